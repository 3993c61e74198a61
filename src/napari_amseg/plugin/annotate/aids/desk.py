"""What all aids share: class, frames, one run at a time, and a line that says what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QCheckBox, QPushButton, QWidget

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.change import Change
from napari_amseg.labels import LabelClass
from napari_amseg.plugin.annotate.aids.inputs import ClassChoice, FrameRange
from napari_amseg.plugin.annotate.aids.outcome import Outcome, capital
from napari_amseg.plugin.annotate.aids.run import AidRun, Steps
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.forms import TidyForm
from napari_amseg.plugin.tasks import explain, run_in_thread
from napari_amseg.plugin.theme import palette

if TYPE_CHECKING:
    import napari

_POLL_MS = 100
_AT_ONCE = 5  # frames whose labels are written without a look at other events, about 15 ms


@dataclass(frozen=True, slots=True)
class _Button:
    """A button that says why it cannot be pressed. text : with {} for the range of frames."""

    button: QPushButton
    text: str
    tip: str
    why_not: Callable[[], str]


class AidDesk(QObject):
    """The session, the inputs that aids share, and the run that is going on.

    Signals
    -------
    session_changed : another stack, or none. class_changed : another class is chosen.
    refreshed : something changed that a button may depend on.
    ended : a run is over; what it said is in the status line.
    """

    session_changed = Signal()
    class_changed = Signal()
    refreshed = Signal()
    ended = Signal()

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self.viewer = viewer
        self.session: Session | None = None
        self.run: AidRun | None = None
        self._writes = False  # the run is over but for its changes
        self._meanwhile: set[int] = set()
        self._buttons: list[_Button] = []
        self._build_inputs()
        self.outcome = Outcome()
        self.outcome.cancel_button.clicked.connect(self.cancel)
        self._poll = QTimer(self)
        self._poll.setInterval(_POLL_MS)
        self._poll.timeout.connect(self._show_progress)
        viewer.events.theme.connect(self._offer_classes)

    def _build_inputs(self) -> None:
        self.classes = ClassChoice()
        self.classes.setToolTip("The class to work on; the one that is painted with.")
        self.classes.currentIndexChanged.connect(self._on_class)
        self.frames = FrameRange("First frame.", "Last frame, included.")
        self.frames.setToolTip("What buttons named after frames work on.")
        self.frames.changed.connect(self.refresh)
        self.overwrite = QCheckBox("overwrite what is confirmed")
        self.overwrite.setToolTip(
            "Otherwise aids leave pixels painted by hand, and all of a complete frame, as they are."
        )
        self.overwrite.toggled.connect(lambda _: self.refresh())
        self.inputs = QWidget()
        form = TidyForm(self.inputs)
        form.add("class", self.classes)
        form.add("frames", self.frames)
        form.add("", self.overwrite)

    def button(
        self,
        text: str,
        tip: str,
        pressed: Callable[[], object],
        why_not: Callable[[], str] = lambda: "",
    ) -> QPushButton:
        """A button for an aid. text : with {} for the range of frames. why_not : why it cannot be
        pressed, empty if it can.
        """
        button = QPushButton(text)
        button.clicked.connect(lambda _: pressed())
        self._buttons.append(_Button(button, text, tip, why_not))
        return button

    def set_session(self, session: Session | None) -> None:
        """Help with another stack, or with none."""
        self._leave()
        self.session = session
        if session is not None:
            session.changed.connect(self._on_changed)
            session.frame_shown.connect(self._on_frame)
            session.layer.events.selected_label.connect(self._on_selected)
            self.frames.set_stack(session.n_frames)
        self.say("")
        self._offer_classes()
        self._on_selected()
        self.session_changed.emit()
        self.refresh()

    def stop(self) -> None:
        """The panel closes: nothing goes on behind it."""
        self._leave()
        self.viewer.events.theme.disconnect(self._offer_classes)

    def _leave(self) -> None:
        if self.run is not None:
            self.run.cancel.set()
            self._end()
        if self.session is not None:
            self.session.changed.disconnect(self._on_changed)
            self.session.frame_shown.disconnect(self._on_frame)
            self.session.layer.events.selected_label.disconnect(self._on_selected)
        self.session = None

    @property
    def code(self) -> int:
        """The chosen class; 0 without a session."""
        return self.classes.code() or 0

    @property
    def class_name(self) -> str:
        """Name of the chosen class."""
        return self.classes.currentText()

    def say(self, text: str) -> None:
        """Show what was done, or why nothing was."""
        self.outcome.status.setText(text)

    def start(
        self, title: str, frames: Sequence[int], steps: Steps, *, status: Status
    ) -> AidRun | None:
        """Let an aid work in a thread; what it proposes becomes one step of undo.

        frames : those it was asked for. status : of frames that it changes, at least.
        """
        if self.session is None or self.run is not None:
            return None
        if not frames:
            self.say("All of these frames are complete: their pixels are confirmed.")
            return None
        run = AidRun(
            self.session.annotation,
            title,
            steps,
            n_frames=len(frames),
            overwrite=self.overwrite.isChecked(),
            status=status,
        )
        self.run, self._meanwhile = run, set()
        self.say("")
        self._poll.start()
        self.refresh()
        run_in_thread(run.work, lambda _, error: self._on_end(run, error))
        return run

    def one(self) -> tuple[list[int], Status]:
        """The shown frame, and its status if an aid is asked for just this one."""
        assert self.session is not None
        return [self.session.frame], Status.IN_PROGRESS

    def many(self) -> tuple[list[int], Status]:
        """The chosen frames that may be changed, the shown one and those after it first, and
        their status: nobody looks at each of them.
        """
        assert self.session is not None
        shown, annotation = self.session.frame, self.session.annotation
        frames = [
            t
            for t in self.frames.frames()
            if self.overwrite.isChecked() or annotation.status(t) != Status.COMPLETE
        ]
        return sorted(frames, key=lambda t: (t < shown, t)), Status.SUGGESTED

    def cancel(self) -> None:
        """Stop the run; frames that are done stay, as one step of undo."""
        run = self.run
        if run is None or self._writes:
            return
        run.cancel.set()
        self._finish(run, f"Cancelled at {run.done} of {run.n_frames} frames.")

    def refresh(self) -> None:
        """Buttons that cannot be pressed say why."""
        common = "Press Annotate first." if self.session is None else ""
        if self.run is not None:
            common = "Wait until it is done, or cancel it."
        for one in self._buttons:
            why_not = common or one.why_not()
            one.button.setText(one.text.format(self.frames.words()))
            one.button.setEnabled(not why_not)
            one.button.setToolTip(why_not or one.tip)
        self.outcome.running.setVisible(self.run is not None)
        self.outcome.cancel_button.setEnabled(not self._writes)
        self.refreshed.emit()

    def _on_end(self, run: AidRun, error: BaseException | None) -> None:
        if run is not self.run:
            return  # cancelled, or of a session that is over
        if error is not None:
            self._end()
            self.say(str(error))
            if not isinstance(error, ValueError):
                explain(error)
            self.ended.emit()
        else:
            self._finish(run)

    def _finish(self, run: AidRun, cancelled: str = "") -> None:
        """Make the changes of a run: one step, but so few frames at once that nothing stalls."""
        self._writes = True
        self.refresh()
        waiting = deque(run.changes())
        step: list[Change] | None = None

        def some() -> None:
            nonlocal step
            if run is not self.run or self.session is None:
                return
            part = [waiting.popleft() for _ in range(min(_AT_ONCE, len(waiting)))]
            changes = [run.renewed(c) if c.frame in self._meanwhile else c for c in part]
            step = self.session.extend(step, changes)
            if waiting:
                QTimer.singleShot(0, next_ones)
            else:
                self._end()
                what = capital(run.words()) if run.done or not cancelled else ""
                self.say(f"{cancelled} {what}".strip())
                self.ended.emit()

        def next_ones() -> None:
            if self.session is not None:
                self.session.when_no_stroke(some)

        next_ones()

    def _end(self) -> None:
        self.run, self._writes = None, False
        self._poll.stop()
        self.refresh()

    def _show_progress(self) -> None:
        if self.run is not None and not self._writes:
            self.outcome.show_progress(self.run)

    def _on_changed(self, frames: frozenset[int]) -> None:
        self._meanwhile |= frames
        self.refresh()

    def _on_frame(self, frame: int) -> None:
        self.refresh()

    def _offer_classes(self, event: Any = None) -> None:
        classes: tuple[LabelClass, ...] = ()
        if self.session is not None:
            classes = self.session.scheme.classes
        self.classes.offer(classes, palette(self.viewer))

    def _on_class(self, index: int) -> None:
        if self.session is not None and index >= 0:
            self.session.layer.selected_label = self.code
        self.class_changed.emit()
        self.refresh()

    def _on_selected(self, event: Any = None) -> None:
        """Another class is painted with: aids work on that."""
        if self.session is not None:
            self.classes.choose(int(self.session.layer.selected_label))
