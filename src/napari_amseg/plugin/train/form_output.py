"""The form of the *Train* widget for where the model goes."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.forms import PathEdit, TidyForm
from napari_amseg.plugin.tasks import Latest
from napari_amseg.plugin.train.source import OutputFacts, look_at_output, output_path

_TYPING_PAUSE_MS = 400


class OutputForm(QWidget):
    """The folder for the model, and whether to go on with the training that is there."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.path = PathEdit(file=False, hint="a new folder")
        self.path.setToolTip(
            "Gets the best epoch as a model, the last one as a checkpoint,\n"
            "training.csv and training.png."
        )
        self.resume = QCheckBox("go on with the training in this folder")
        self.resume.setToolTip(
            "From its last epoch, with its network and its settings, on the same images."
        )
        self.note = Note()
        form = TidyForm(self)
        form.add("model folder", self.path)
        form.addRow(self.resume)
        form.addRow(self.note)
        self._facts: OutputFacts | None = None
        self._looks = Latest(self._show, failed=lambda error: self.note.setText(str(error)))
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TYPING_PAUSE_MS)
        self._pause.timeout.connect(self.look)
        self.path.changed.connect(self._on_path)
        self.resume.toggled.connect(lambda _: self._show(self._facts))
        self._show(None)

    def value(self) -> dict[str, Any]:
        """What a TrainRequest says of the folder."""
        return {"folder": output_path(self.path.path()), "resume": self.is_resumed}

    @property
    def is_resumed(self) -> bool:
        """Whether a training goes on."""
        return self.resume.isChecked() and bool(self._facts and self._facts.resumable)

    def why_not(self) -> str:
        """Why nothing can be written there, or nothing."""
        if not self.path.path():
            return "Choose a folder for the model."
        if self._facts is None:
            return "Looking at the model folder…"
        return "" if self.is_resumed or not self._facts.problem else self._facts.problem

    def look(self) -> None:
        """Look at the folder, in a thread."""
        folder = self.path.path()
        if folder:
            self._looks.submit(lambda: look_at_output(folder))

    def stop(self) -> None:
        """The widget closes."""
        self._looks.stop()

    def _on_path(self) -> None:
        self._show(None)
        self._pause.start()

    def _show(self, facts: OutputFacts | None) -> None:
        if facts is not None and facts.folder != self.path.path():
            return
        self._facts = facts
        self.resume.setVisible(bool(facts and facts.resumable))
        problem = facts.problem if facts is not None and not self.is_resumed else ""
        self.note.setText(problem)
        self.note.setVisible(bool(problem))
        self.changed.emit()
