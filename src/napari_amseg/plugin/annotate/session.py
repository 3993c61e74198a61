"""One stack under annotation in the viewer: its labels layer, its annotation, its history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.change import Change
from napari_amseg.labels import LabelScheme
from napari_amseg.pipeline.learn import corrected_labels
from napari_amseg.plugin.annotate.brush_over import Brushed, BrushOver
from napari_amseg.plugin.annotate.history import History
from napari_amseg.plugin.layers import (
    LabelSource,
    current_frame,
    image_source,
    labels_layer,
    place_on,
    show_frame,
)
from napari_amseg.plugin.scratch import scratch_array
from napari_amseg.types import Frame

if TYPE_CHECKING:
    import napari
    from napari.layers import Image

_LOOK_MS = 500
_STROKE_MS = 30


def empty_annotation(shape: tuple[int, int, int], scheme: LabelScheme) -> Annotation:
    """Nothing labelled yet, in temporary files that take room only where they are written to.

    Raises
    ------
    OSError
        If there is no temporary space for the labels.
    """
    _, labels = scratch_array(shape, np.uint8, what="labels")
    _, by_hand = scratch_array(shape, bool, what="marks of what is by hand")
    return Annotation(labels, by_hand, scheme)


class Session(QObject):
    """Annotates an image layer in a labels layer of its own, which shows the very array.

    Signals
    -------
    changed : frozenset of the frames whose labels changed, by whatever.
    statuses_changed : a frame was called complete, or is so no longer, or was begun.
    stroke_ended : the frame in which a person just painted.
    frame_shown : the frame that is now looked at.
    ended : the labels layer was taken out of the viewer.
    """

    changed = Signal(object)
    statuses_changed = Signal()
    stroke_ended = Signal(int)
    frame_shown = Signal(int)
    ended = Signal()

    def __init__(
        self, viewer: napari.components.ViewerModel, image: Image, annotation: Annotation
    ) -> None:
        super().__init__()
        self.viewer, self.image, self.annotation = viewer, image, annotation
        self.source = image_source(image)
        self.stack = self.source.processed()
        self.layer = self._add_layer(annotation.labels)
        self.layer.events.n_edit_dimensions.connect(self._keep_to_frame)
        self.history = History(
            self.layer, self.annotation, changed=self._on_changed, stroke_ended=self._on_stroke
        )
        self._brush_over = BrushOver(self.layer, self.history, self._on_brushed)
        self.is_closed = False
        self._stroke: list[Change] = []
        self._confirming = False  # pixels of the last stroke, which stays the last
        self._shown = -1
        self._statuses = self.annotation.statuses.copy()
        viewer.dims.events.current_step.connect(self._on_step)
        for event in (viewer.dims.events.order, viewer.dims.events.ndisplay):
            event.connect(self._on_axes)
        self.layer.events.data.connect(self._on_data)
        viewer.layers.events.removed.connect(self._on_removed)
        self._timer = QTimer(self)  # an undo of a hidden layer fires nothing at all
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.history.look)
        self._timer.start()
        self._on_step()
        self._on_axes()

    def _add_layer(self, labels: NDArray[np.uint8]) -> Any:
        from napari.layers import Labels

        source = LabelSource(
            self.source.experiment,
            self.annotation.scheme,
            confirmed=corrected_labels(self.annotation),
        )
        data, options, _ = labels_layer(
            labels, f"{self.image.name} annotation", source, place_on(self.image)
        )
        layer = Labels(data, **options)
        layer.n_edit_dimensions = 2
        self.viewer.add_layer(layer)
        self.viewer.layers.selection.active = layer
        return layer

    @property
    def scheme(self) -> LabelScheme:
        """What the label codes mean."""
        return self.annotation.scheme

    @property
    def n_frames(self) -> int:
        """Frames of the stack."""
        return len(self.annotation.labels)

    @property
    def frame(self) -> int:
        """The frame that is looked at."""
        return current_frame(self.viewer, self.layer)

    @property
    def is_in_view(self) -> bool:
        """Whether the viewer shows one of the frames, and not a place beyond them, where other
        layers have more.
        """
        place = self.layer.world_to_data(self.viewer.dims.point[-self.layer.ndim :])[0]
        return bool(-0.5 <= place <= self.n_frames - 0.5)

    def go_to(self, frame: int) -> None:
        """Look at a frame."""
        show_frame(self.viewer, self.layer, int(np.clip(frame, 0, self.n_frames - 1)))

    def image_frame(self, frame: int) -> Frame:
        """Grey values of a frame as shown, (Y, X)."""
        return self.stack.read(frame)

    def labels_of(self, frame: int) -> NDArray[np.uint8]:
        """Labels of a frame, uint8 (Y, X); a view, not to be written to."""
        return np.asarray(self.annotation.labels[frame])

    def apply(self, changes: Iterable[Change | None]) -> int:
        """Make the changes of an aid as one step that can be undone; returns how many frames."""
        return len(self.extend(None, changes))

    def extend(self, step: list[Change] | None, changes: Iterable[Change | None]) -> list[Change]:
        """Make changes that come bit by bit, as one step unless something else was done meanwhile.

        step : what this returned the time before; None at first.
        """
        return self.history.apply([c for c in changes if c is not None], onto=step)

    def when_no_stroke(self, action: Callable[[], object]) -> None:
        """Do something now, or when the stroke that is being painted has ended: a step that is
        made within it would become part of it.
        """
        if self.layer._block_history and not self.is_closed:
            QTimer.singleShot(_STROKE_MS, lambda: self.when_no_stroke(action))
        else:
            action()

    def set_status(self, frames: Sequence[int], status: Status) -> None:
        """Call frames complete, or no longer; one step that can be undone."""
        self.apply(self.annotation.restatus(int(t), status) for t in frames)

    def last_stroke(self) -> Change | None:
        """What the last stroke did; None before the first, or after another step."""
        return self._stroke[0] if self._stroke else None

    def close(self) -> None:
        """Let go of the viewer; the layer stays, but nobody would keep what is painted on it."""
        if self.is_closed:
            return
        self.is_closed = True
        self._timer.stop()
        self.history.look()
        self.history.stop()
        self._brush_over.stop()
        self.layer.editable = False
        self.layer.events.n_edit_dimensions.disconnect(self._keep_to_frame)
        self.viewer.dims.events.current_step.disconnect(self._on_step)
        for event in (self.viewer.dims.events.order, self.viewer.dims.events.ndisplay):
            event.disconnect(self._on_axes)
        self.layer.events.data.disconnect(self._on_data)
        self.viewer.layers.events.removed.disconnect(self._on_removed)

    def _on_changed(self, frames: frozenset[int]) -> None:
        if not self._confirming:
            self._stroke = []
        self.changed.emit(frames)
        if not np.array_equal(self._statuses, self.annotation.statuses):
            self._statuses = self.annotation.statuses.copy()
            self.statuses_changed.emit()

    def _on_stroke(self, step: list[Change]) -> None:
        self._stroke = step
        self.stroke_ended.emit(step[-1].frame)

    def _on_brushed(self, over: Brushed) -> None:
        """What the brush went over is by hand, also where it was of that class before."""

        def confirm() -> None:
            if self.is_closed:
                return
            same = over.mask & (self.labels_of(over.frame) == over.code)
            change = self.annotation.confirm(over.frame, same)
            last = self.history.last
            own = last if last is not over.before else None  # the stroke's, if it changed labels
            self._confirming = own is not None
            self.extend(own, [change])
            self._confirming = False

        self.when_no_stroke(lambda: QTimer.singleShot(0, confirm))

    def _on_step(self, event: Any = None) -> None:
        frame = self.frame
        if frame != self._shown:
            self._end_stroke()
            self._shown = frame
            self.history.show(frame)
            self.frame_shown.emit(frame)

    def _end_stroke(self) -> None:
        """A stroke stays in its frame: napari would draw on through those in between."""
        layer, mode = self.layer, self.layer.mode
        if layer._block_history and mode != "pan_zoom":
            layer.mode = "pan_zoom"
            self.when_no_stroke(lambda: setattr(layer, "mode", mode))

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.ended.emit()

    def _on_axes(self, event: Any = None) -> None:
        """Painting needs one frame before the eyes: rows and columns, nothing else."""
        dims = self.viewer.dims
        one_frame = dims.ndisplay == 2 and sorted(dims.displayed) == [dims.ndim - 2, dims.ndim - 1]
        if not one_frame and self.layer.editable:
            show_info("Painting is off until the viewer shows rows and columns of one frame again.")
        self.layer.editable = one_frame

    def _on_data(self, event: Any = None) -> None:
        """Another array in the layer, as *Convert data type* makes: its labels go into ours."""
        ours, given = self.annotation.labels, self.layer.data
        if given is ours or self.is_closed:
            return
        self.layer.data = ours
        self.history.reset()
        if given.shape != ours.shape:
            show_info(f"The labels stay {ours.shape}: others cannot be taken for this stack.")
            return
        everywhere = np.ones(ours.shape[1:], bool)
        changes = []
        for t in range(self.n_frames):
            codes = np.asarray(given[t])
            if not np.array_equal(codes, ours[t]):
                codes = np.where((codes < 0) | (codes > 255), 0, codes).astype(np.uint8)
                change = self.annotation.propose(
                    t, codes, where=everywhere, overwrite=True, by_hand=True
                )
                changes.append(change)
        self.apply(changes)

    def _keep_to_frame(self, event: Any = None) -> None:
        """A stroke through all frames would overwrite what nobody sees."""
        if self.layer.n_edit_dimensions != 2:
            self.layer.n_edit_dimensions = 2
