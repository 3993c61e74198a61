"""The *Annotate* widget: a stack in, ground truth out, and nothing lost on the way."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSize
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_amseg.annotate.recovery import FoundWork
from napari_amseg.plugin.annotate.aids.panel import AidsPanel
from napari_amseg.plugin.annotate.close_guard import CloseGuard
from napari_amseg.plugin.annotate.frames_bar import FramesBar
from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.plugin.annotate.model.panel import LearnPanel
from napari_amseg.plugin.annotate.paint.panel import PaintPanel
from napari_amseg.plugin.annotate.recovery_bar import RecoveryBar
from napari_amseg.plugin.annotate.saving.panel import SavePanel
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.annotate.start import Beginning, begin, layer_of, recover, source_of
from napari_amseg.plugin.annotate.start_form import StartForm
from napari_amseg.plugin.annotate.writing import Writing
from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import WIDGET_WIDTH_PX
from napari_amseg.plugin.layers import ImageSource, image_layer, image_source
from napari_amseg.plugin.page import SCROLL_BAR_PX, scrolled
from napari_amseg.plugin.tasks import explain, run_in_thread

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer


class Annotate(QWidget):
    """Label the frames of an image layer, by hand, with aids, and with a model that learns."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self.session: Session | None = None
        self.keeper: Keeper | None = None
        self._opening = self._stopped = False
        self._build()
        self.guard = CloseGuard(self, lambda: self.keeper, self.save.save)
        self.form.changed.connect(self._enable)
        self.form.start.connect(self.start)
        self.recovery.recover.connect(self.recover)
        self.destroyed.connect(lambda *_: self._on_destroyed())
        self._enable()

    def _build(self) -> None:
        self.recovery, self.form = RecoveryBar(), StartForm(self._viewer)
        self.begin_fold = Fold("Stack", self.form)
        self.note = Note()
        self.note.setVisible(False)
        self.frames, self.paint = FramesBar(self._viewer), PaintPanel(self._viewer)
        self.aids, self.learn = AidsPanel(self._viewer), LearnPanel(self._viewer)
        self.save = SavePanel(self._viewer)
        self.tabs = QTabWidget()
        for panel, name in (
            (self.paint, "Paint"),
            (self.aids, "Aids"),
            (self.learn, "Model"),
            (self.save, "Save"),
        ):
            self.tabs.addTab(scrolled(panel), name)
        self.panels = (self.frames, self.paint, self.aids, self.learn)
        self.frames.setMinimumWidth(WIDGET_WIDTH_PX)
        layout = QVBoxLayout(self)
        for part in (self.recovery, self.begin_fold, self.note, self.frames):
            layout.addWidget(part)
        layout.addWidget(self.tabs, 1)
        self.begin_fold.button.setChecked(True)

    def start(self) -> None:
        """Annotate the chosen stack."""
        layer = self.form.layer()
        if layer is None or self._opening:
            return
        try:
            place = self.form.place()
        except ValueError as error:
            explain(error)
            return
        source, scheme, person = image_source(layer), self.form.scheme(), self.form.person()
        self._open(lambda: begin(source, scheme, person, place), layer)

    def recover(self, found: FoundWork) -> None:
        """Go on with work that was left; its stack is opened if it is not."""
        if found.record is None or self._opening:
            return
        layer = layer_of(self._viewer, found.record)
        if layer is None:
            try:
                layer = self._add_image(source_of(found.record))
            except (OSError, ValueError) as error:
                explain(error)
                self.recovery.look()
                return
        self._open(lambda: recover(found), layer)

    def _add_image(self, source: ImageSource) -> Layer:
        from napari.layers import Image

        files = [Path(file) for file in source.stack.files]
        of_files = files[0].parent.name if len(files) > 1 else files[0].stem
        name = source.experiment.experiment or of_files
        data, options, _ = image_layer(source, name)
        return self._viewer.add_layer(Image(data, **options))

    def _open(self, opening, layer: Layer) -> None:
        """Run an opening in a thread, then show what came of it."""
        self._opening = True
        self._say("opening…")
        self._enable()

        def ended(beginning: Beginning | None, error: BaseException | None) -> None:
            self._opening = False
            if self._stopped:
                _let_go(beginning)
                return
            self._say("")
            try:
                if error is not None:
                    raise error
                self._begin(beginning, layer)
            except Exception as reason:
                _let_go(beginning)
                explain(reason)
            self.recovery.look()
            self._enable()

        run_in_thread(opening, ended)

    def _begin(self, beginning: Beginning, layer: Layer) -> None:
        """Raises ValueError if the layer was closed meanwhile."""
        if layer not in self._viewer.layers:
            raise ValueError(f"{layer.name} was closed while it was being opened: open it again.")
        self._end()
        opened = beginning.opened
        session = Session(self._viewer, layer, opened.annotation)
        self.keeper = Keeper(
            session,
            beginning.working_copy,
            bases=opened.bases,
            unsaved=opened.unsaved,
            unreadable=opened.unreadable,
        )
        self.session = session
        self.keeper.trouble.connect(lambda words: explain(OSError(words)))
        self.session.ended.connect(self._end)
        self._say("\n".join(opened.notes))
        self.begin_fold.button.setChecked(False)
        self._show()
        if opened.unsaved:
            session.go_to(min(opened.unsaved))

    def _end(self) -> None:
        """Let go of the stack that is annotated; what is not saved is kept and offered again."""
        session, keeper = self.session, self.keeper
        self.session = self.keeper = None
        if keeper is None or session is None:
            return
        session.close()
        with Writing(self.window()) as waiting:
            written = keeper.close(waiting)  # before anything that may fail
        self._show()
        _tell_kept(keeper, written)
        if not self._stopped:
            self.recovery.look()

    def _show(self) -> None:
        for panel in self.panels:
            panel.set_session(self.session)
        self.save.set_session(self.session, self.keeper)
        self._enable()

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        layer = self.form.layer()
        if self._opening:
            why_not = "A stack is being opened."
        elif layer is None:
            why_not = "Open an image stack first."
        elif self.session is not None and layer is self.session.image:
            why_not = "This stack is being annotated."
        else:
            why_not = ""
        self.form.button.setEnabled(not why_not)
        self.form.button.setToolTip(why_not or "Make a labels layer for this stack.")
        self.frames.setEnabled(self.session is not None)
        self.tabs.setEnabled(self.session is not None)

    def event(self, event: QEvent | None) -> bool:
        """A closed panel: napari takes its widget out of the dock, but may keep it."""
        changed = event is not None and event.type() == QEvent.Type.ParentChange
        if changed and self.parent() is None:
            self._stop()
        return super().event(event)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As wide as its forms need; pages inside scroll."""
        width = max(WIDGET_WIDTH_PX + SCROLL_BAR_PX, self.minimumSizeHint().width())
        return QSize(width, super().sizeHint().height())

    def _stop(self) -> None:
        """The panel closes: nothing goes on behind it, and nothing is lost."""
        if self._stopped:
            return
        self._stopped = True
        self._end()
        self.guard.stop()
        self.form.stop()
        self.recovery.stop()
        for panel in (*self.panels, self.save):
            panel.stop()

    def _on_destroyed(self) -> None:
        """The window went without a word, and what is drawn with it: only the work counts."""
        if not self._stopped and self.keeper is not None:
            self.keeper.close()
        self._stopped = True
        self.guard.stop()
        self.recovery.stop()


def _let_go(beginning: Beginning | None) -> None:
    """What was opened in vain can be recovered, again."""
    if beginning is not None:
        with suppress(OSError):
            beginning.working_copy.release()


def _tell_kept(keeper: Keeper, written: bool) -> None:
    """Say where work is that is in no benchmark, and never that it is where it is not."""
    from napari.utils.notifications import show_info

    n_frames = keeper.n_unsaved or keeper.n_suggested
    if not n_frames:
        return
    what = "not saved to a benchmark" if keeper.n_unsaved else "labelled by a model only"
    frames = f"1 frame is {what}" if n_frames == 1 else f"{n_frames:,} frames are {what}"
    if written:
        show_info(f"{frames}. The work is kept in {keeper.folder}; open Annotate again to go on.")
        return
    n_lost = len(keeper.autosave.pending)
    lost = "1 frame is" if n_lost == 1 else f"{n_lost:,} frames are"
    explain(
        OSError(
            f"{frames}. Not all of it could be kept in {keeper.folder}: {lost} lost when the "
            "labels layer is closed. If it is still in the list of layers, save it to a file now "
            "(File > Save Selected Layers)."
        )
    )
