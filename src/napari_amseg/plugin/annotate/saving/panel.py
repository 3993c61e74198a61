"""The *Save* tab: where to save, what is not saved yet, and what files can be exchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_amseg.annotate.annotation import Status
from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.plugin.annotate.saving.conflicts import ConflictsDialog
from napari_amseg.plugin.annotate.saving.file_buttons import FileButtons
from napari_amseg.plugin.annotate.saving.place_form import PlaceForm
from napari_amseg.plugin.annotate.saving.save_job import remarks_in_words
from napari_amseg.plugin.annotate.saving.saver import Saver
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.fields import DropDown, Lines
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.forms import TidyForm
from napari_amseg.plugin.tasks import explain
from napari_amseg.words import counted

if TYPE_CHECKING:
    import napari

_SHOW_MS = 100  # strokes and saved frames come faster than anybody reads
_BOTH, _COMPLETE = "all worked on", "complete only"
_ALL_SAVED = "All frames that were worked on are saved."


class SavePanel(QWidget):
    """Saves what a person worked on to a benchmark; opens the dialogs around that.

    Signals
    -------
    save_ended : a save has ended, well or not; what is unsaved then, the keeper says.

    """

    save_ended = Signal()

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self._session: Session | None = None
        self._keeper: Keeper | None = None
        self._saver: Saver | None = None
        self._build(viewer)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SHOW_MS)
        self._timer.timeout.connect(self._show)
        self.place.changed.connect(self._on_place)
        self.what.currentIndexChanged.connect(self._show)
        self.save_button.clicked.connect(self._on_save)
        self._show()

    def _build(self, viewer: napari.components.ViewerModel) -> None:
        self.place = PlaceForm()
        self.what = DropDown()
        self.what.addItems([_BOTH, _COMPLETE])
        self.what.setToolTip(
            "Which frames are saved. Those in progress are marked: no training and no score takes "
            "them for ground truth."
        )
        self.save_button, self.progress = QPushButton("Save"), QProgressBar()
        self.state, self.remarks = Lines(), Lines()
        self.remarks.setToolTip("What looks wrong in frames that are called complete.")
        self.files = FileButtons(viewer)
        row = QWidget()
        TidyForm(row).add("frames", self.what)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        for part in (
            self.place, row, self.save_button, self.progress, self.state, self.remarks, self.files,
        ):  # fmt: skip
            layout.addWidget(part)
        layout.addStretch(1)

    @property
    def is_running(self) -> bool:
        """Whether a save goes on."""
        return self._saver is not None and self._saver.is_running

    def set_session(self, session: Session | None, keeper: Keeper | None) -> None:
        """Save another session, or none."""
        self._leave()
        self._session, self._keeper = session, keeper
        if session is not None and keeper is not None:
            self._saver = Saver(session, keeper)
            self._saver.changed.connect(self._show_soon)
            self._saver.ended.connect(self._on_ended)
            keeper.unsaved_changed.connect(self._show_soon)
            session.statuses_changed.connect(self._show_soon)
            experiment = keeper.experiment
            if not experiment.experiment:
                experiment = replace(experiment, experiment=safe_stem(session.image.name))
            self.place.set_place(keeper.benchmark, experiment)
        self.files.set_session(session, keeper)
        self._show()

    def save(self, ended: Callable[[], None] | None = None, *, everything: bool = False) -> None:
        """Save in a thread what is unsaved.

        ended : called once when that has ended, well or not. everything : also what *frames* leaves
        out.
        """
        if ended is not None:
            self._once(ended)
        if self.is_running:
            return
        try:
            if (why_not := self.why_not_save()) or self._keeper is None or self._saver is None:
                raise ValueError(why_not)
            self._keeper.set_place(self.place.benchmark(), self.place.value())
        except (OSError, ValueError) as error:
            explain(error)
            self.save_ended.emit()
            return
        unsaved = self._unsaved()
        self._saver.save((unsaved if everything else self._wanted(unsaved)).tolist())
        self._show()

    def why_not_save(self) -> str:
        """Why nothing can be saved now, in words; empty if it can."""
        if self._keeper is None:
            return "Nothing is being annotated."
        if self.place.benchmark() is None:
            return "Choose the folder of a benchmark; it is made if it is not there."
        if not self.place.name.text().strip():
            return "Name the experiment."
        return ""

    def stop(self) -> None:
        """The widget closes: nothing goes on behind it, but for the frame at hand."""
        self._leave()
        self._session = self._keeper = None
        self.files.stop()
        self.place.stop()

    def _leave(self) -> None:
        if self._saver is None or self._keeper is None or self._session is None:
            return
        self._saver.stop()
        self._saver = None
        self._timer.stop()
        self._keeper.unsaved_changed.disconnect(self._show_soon)
        self._session.statuses_changed.disconnect(self._show_soon)

    def _once(self, ended: Callable[[], None]) -> None:
        def call() -> None:
            self.save_ended.disconnect(call)
            ended()

        self.save_ended.connect(call)

    def _on_place(self) -> None:
        """Keep what was filled in; another place than that of a benchmark's labels, on *Save*."""
        keeper = self._keeper
        try:
            experiment = self.place.value()
        except ValueError:  # the form says what is wrong
            keeper = None
        if keeper is not None and experiment != keeper.experiment:
            same_name = experiment.experiment == keeper.experiment.experiment
            if keeper.benchmark is None or same_name:
                try:
                    keeper.set_place(keeper.benchmark, experiment)
                except OSError as error:
                    explain(error)
        self._show()

    def _moves(self) -> bool:
        """Whether another place is filled in than frames were opened from or saved to."""
        keeper = self._keeper
        if keeper is None or keeper.benchmark is None:
            return False
        name = self.place.name.text().strip()
        return (keeper.benchmark, keeper.experiment.experiment) != (self.place.benchmark(), name)

    def _unsaved(self) -> NDArray[np.intp]:
        """The frames that are in no benchmark as they are, in order."""
        unsaved = () if self._keeper is None else self._keeper.unsaved
        return np.sort(np.fromiter(unsaved, np.intp, len(unsaved)))

    def _wanted(self, unsaved: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of them that *frames* asks for."""
        if self._session is None or self.what.currentText() != _COMPLETE:
            return unsaved
        return unsaved[self._session.annotation.statuses[unsaved] == Status.COMPLETE]

    def _on_save(self) -> None:
        if self._saver is not None and self._saver.is_running:
            self._saver.cancel()
        else:
            self.save()

    def _on_ended(self) -> None:
        self.place.look()
        self._show()
        if self._saver is not None and self._saver.conflicts:
            self._ask(self._saver)
        self.save_ended.emit()

    def _ask(self, saver: Saver) -> None:
        """Ask what becomes of frames that somebody else saved."""
        assert self._keeper is not None
        annotator = safe_stem(self._keeper.working_copy.record.owner.annotator)
        name = f"{self._keeper.experiment.experiment}-{annotator}"
        dialog = ConflictsDialog(self, saver.conflicts, name)
        dialog.answered.connect(saver.answer)
        dialog.renamed.connect(self._save_as)
        self.files.open(dialog)

    def _save_as(self, name: str) -> None:
        self.place.name.setText(name)
        self.save(everything=True)

    def _show_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _show(self) -> None:
        """Numbers, words and buttons as things are now."""
        self._timer.stop()
        saver, running, unsaved = self._saver, self.is_running, self._unsaved()
        self._show_button(unsaved)
        self.progress.setVisible(running)
        if saver is not None:
            self.progress.setRange(0, saver.total)
            self.progress.setValue(saver.done)
        self.place.setEnabled(self._keeper is not None and not running)
        self.what.setEnabled(not running)
        said = saver.said if saver is not None else ""
        self.state.setText(" ".join(part for part in (self._unsaved_words(unsaved), said) if part))
        self.remarks.setText(remarks_in_words(saver.remarks if saver is not None else []))
        self.remarks.setVisible(bool(self.remarks.text()))

    def _show_button(self, unsaved: NDArray[np.intp]) -> None:
        running, moves, n = self.is_running, self._moves(), len(self._wanted(unsaved))
        why_not = self.why_not_save()
        if not (why_not or n or moves):
            why_not = "None of them is complete." if unsaved.size else _ALL_SAVED
        tip = "Write images and labels of these frames to the benchmark."
        if moves:
            tip = "This is another place: all frames that were worked on are saved there."
        self.save_button.setText(
            "Cancel" if running else f"Save {counted(n, 'frame')}" if n else "Save"
        )
        self.save_button.setEnabled(running or not why_not)
        self.save_button.setToolTip("End after the frame at hand." if running else why_not or tip)

    def _unsaved_words(self, unsaved: NDArray[np.intp]) -> str:
        if self._keeper is None or self._session is None:
            return ""
        if not unsaved.size:
            return _ALL_SAVED
        of_them = self._session.annotation.statuses[unsaved]
        n_complete = int(np.count_nonzero(of_them == Status.COMPLETE))
        return f"{counted(unsaved.size, 'frame')} not saved yet, {n_complete} of them complete."
