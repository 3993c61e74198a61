"""Where one is in the stack, how far each frame is, and the way to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_amseg.annotate.annotation import Status
from napari_amseg.plugin.annotate import keys
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.annotate.strip import Strip, status_colors
from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.theme import palette

if TYPE_CHECKING:
    import napari

_TO_LABEL = (Status.UNTOUCHED, Status.SUGGESTED)


class FramesBar(QWidget):
    """Strip over the time axis, counts, and buttons from frame to frame."""

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._session: Session | None = None
        self._keys = keys.Keys(self)
        self._build()
        viewer.events.theme.connect(self._on_theme)

    def _build(self) -> None:
        self.strip = Strip(palette(self._viewer))
        self.strip.chosen.connect(self._go_to)
        self.counts, self.status = Note(least_lines=2), QLabel()  # tabs below must not move
        self.status.setWordWrap(True)
        self.previous_button = self._button("◀", "Go to the previous frame.", keys.PREVIOUS_FRAME)
        self.next_button = self._button("▶", "Go to the next frame.", keys.NEXT_FRAME)
        self.unlabelled_button = self._button(
            "Next unlabelled",
            "Go to the next frame that nobody has labelled: untouched, or only suggested by a "
            "model.",
            keys.NEXT_UNLABELLED,
        )
        self.complete_button = self._button(
            "Complete",
            "Every pixel of this frame is as it should be: aids leave it alone from now on.",
            keys.COMPLETE,
        )
        self.complete_button.setCheckable(True)
        self.previous_button.clicked.connect(self.go_to_previous)
        self.next_button.clicked.connect(self.go_to_next)
        self.unlabelled_button.clicked.connect(self.go_to_unlabelled)
        self.complete_button.clicked.connect(self.set_complete)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for button, stretch in (
            (self.previous_button, 1),
            (self.next_button, 1),
            (self.unlabelled_button, 3),
            (self.complete_button, 3),
        ):
            buttons.addWidget(button, stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.strip)
        layout.addWidget(self.counts)
        layout.addLayout(buttons)
        layout.addWidget(self.status)

    def _button(self, text: str, tip: str, its_keys: tuple[str, ...]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(keys.with_keys(tip, its_keys))
        return button

    def set_session(self, session: Session | None) -> None:
        """Show another stack under annotation, or none."""
        self._leave()
        self._session = session
        if session is not None:
            session.frame_shown.connect(self._on_frame)
            session.statuses_changed.connect(self._on_statuses)
            session.changed.connect(self._on_changed)
            self._bind()
        self._on_statuses()

    def stop(self) -> None:
        """Let go of the viewer."""
        self._leave()
        self._keys.stop()
        self._viewer.events.theme.disconnect(self._on_theme)

    def _leave(self) -> None:
        if self._session is not None:
            self._session.frame_shown.disconnect(self._on_frame)
            self._session.statuses_changed.disconnect(self._on_statuses)
            self._session.changed.disconnect(self._on_changed)
        self._session = None
        self._keys.clear()

    def _bind(self) -> None:
        self._keys.bind(keys.PREVIOUS_FRAME, self.go_to_previous, held=True)
        self._keys.bind(keys.NEXT_FRAME, self.go_to_next, held=True)
        self._keys.bind(keys.NEXT_UNLABELLED, self.go_to_unlabelled)
        self._keys.bind(keys.COMPLETE, self.complete_button.click)

    def go_to_previous(self) -> None:
        """Look at the frame before."""
        self._step(-1)

    def go_to_next(self) -> None:
        """Look at the frame after."""
        self._step(1)

    def go_to_unlabelled(self) -> None:
        """Look at the next frame that nobody has labelled."""
        if self._session is None:
            return
        frame = self._session.annotation.next_of(_TO_LABEL, self._session.frame)
        if frame is None:
            self.status.setText("No other frame is unlabelled.")
        else:
            self._session.go_to(frame)

    def set_complete(self, complete: bool) -> None:
        """Call the shown frame complete, or no longer."""
        if self._session is None:
            return
        if not self._session.is_in_view:
            self.complete_button.setChecked(False)
            self.status.setText("The viewer is beyond the frames of this stack.")
            return
        status = Status.COMPLETE if complete else Status.IN_PROGRESS
        self._session.set_status([self._session.frame], status)

    def _step(self, by: int) -> None:
        if self._session is not None:
            self._session.go_to(self._session.frame + by)

    def _go_to(self, frame: int) -> None:
        if self._session is not None:
            self._session.go_to(frame)

    def _on_theme(self, event: object = None) -> None:
        self.strip.set_palette(palette(self._viewer))
        self._on_statuses()

    def _on_changed(self, frames: frozenset[int]) -> None:
        if self._session is not None and self._session.frame in frames:
            self._on_frame(self._session.frame)

    def _on_statuses(self) -> None:
        """Another status of some frame."""
        session = self._session
        statuses = np.zeros(0, np.uint8) if session is None else session.annotation.statuses
        self.strip.set_statuses(statuses)
        self.counts.setText(self._counted(statuses))
        if session is None:
            self.status.setText("")
        else:
            self._on_frame(session.frame)

    def _counted(self, statuses: np.ndarray) -> str:
        """The counts, each with the colour that stands for it in the strip."""
        counts = np.bincount(statuses, minlength=len(Status))
        colors = status_colors(palette(self._viewer))
        return " &nbsp; ".join(
            f"<span style='color:{colors[status]}'>■</span>&nbsp;{counts[status]}&nbsp;"
            + status.words.replace(" ", "&nbsp;")
            for status in reversed(Status)
            if counts[status]
        )

    def _on_frame(self, frame: int) -> None:
        """Another frame is shown, or this one changed."""
        if self._session is None:
            return
        self.strip.set_frame(frame)
        complete = self._session.annotation.status(frame) == Status.COMPLETE
        self.complete_button.setChecked(complete)
        self.status.setText(self._said_of(frame))

    def _said_of(self, frame: int) -> str:
        """Status of the shown frame; what is missing if it is called complete."""
        assert self._session is not None
        status = self._session.annotation.status(frame)
        said = f"Frame {frame}: {status.words}"
        if status != Status.COMPLETE:
            return said
        labels = self._session.labels_of(frame)
        missing = labels.size - int(np.count_nonzero(labels))
        if not missing:
            return said
        what = "pixel is" if missing == 1 else "pixels are"
        return f"{said}, but <b>{missing} {what} unlabelled</b>"
