"""An annotation kept in step with what napari paints, undoes and does again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from napari_amseg.annotate.annotation import Annotation
from napari_amseg.annotate.change import Change

if TYPE_CHECKING:
    from napari.layers import Labels

Steps = deque[list[Change]]


class History:
    """Takes in strokes as they end, puts aids into napari's own history, follows its undo.

    napari's history holds labels only. Beside each of its steps this keeps ours, which also say
    which pixels are by hand and how far the frame is; both have the same length at all times.

    Parameters
    ----------
    layer : shows ``annotation.labels``, the very array.
    changed : gets the frames of every step, undo and redo.
    stroke_ended : gets the step that a person just painted.
    """

    def __init__(
        self,
        layer: Labels,
        annotation: Annotation,
        *,
        changed: Callable[[frozenset[int]], None],
        stroke_ended: Callable[[list[Change]], None],
    ) -> None:
        self._layer, self._annotation = layer, annotation
        self._changed, self._stroke_ended = changed, stroke_ended
        limit = layer._undo_history.maxlen
        self._undo: Steps = deque(maxlen=limit)
        self._redo: Steps = deque(maxlen=limit)
        self._collected: list[Change] = []  # of a stroke that goes on while frames change
        self._unfilled: list[Change] | None = None
        self._applying = False
        self._frame, self._before = 0, annotation.labels[0].copy()
        layer.events.paint.connect(self._on_paint)
        layer.events.labels_update.connect(self._on_drawn)
        # Undo and redo fire nothing of their own: the layer is drawn anew.
        layer.events.set_data.connect(self._on_drawn)

    def show(self, frame: int) -> None:
        """Another frame is looked at: strokes go there from now on."""
        self.look()
        self._collect()
        self._frame = frame
        self._before = self._annotation.labels[frame].copy()

    def apply(self, changes: Sequence[Change], *, onto: list[Change] | None = None) -> list[Change]:
        """Make changes as one step of napari's history.

        onto : a step that is to be made longer, for changes that come one after another. It is as
        long as it is the last; else a new one begins, so that what came between stays its own.
        Returns the step.
        """
        self.look()
        if not changes:
            return [] if onto is None else onto
        self._unfilled = None
        frames = self._annotation.apply(changes)
        atoms = [
            ((change.frame, *change.box), change.before.labels, change.after.labels)
            for change in changes
        ]
        if onto is not None and self._undo and self._undo[-1] is onto and not self._redo:
            self._layer._undo_history[-1].extend(atoms)
            onto.extend(changes)
            step = onto
        else:
            step = list(changes)
            self._put(atoms, step)
        self._tell(frames)
        if self._frame in frames:
            self._layer.refresh()
        return step

    def _put(self, atoms: list[Any], step: list[Change]) -> None:
        """Into napari's history and ours."""
        self._applying = True
        try:
            with self._layer.block_history():
                for atom in atoms:
                    self._layer._save_history(atom)
        finally:
            self._applying = False
        self._push(step)

    @property
    def last(self) -> list[Change] | None:
        """The step that an undo would take back; None if there is none."""
        self.look()
        return self._undo[-1] if self._undo else None

    def look(self) -> None:
        """Follow a stroke that was written, an undo or a redo that was not drawn."""
        self._fill()
        undone = len(self._layer._redo_history) - len(self._redo)
        done_again = len(self._layer._undo_history) - len(self._undo)
        if undone < 0 and done_again == 0:  # a new stroke has begun: nothing can be redone
            self._redo.clear()
            return
        frames: set[int] = set()
        for _ in range(undone):
            step = self._undo.pop()
            frames |= self._annotation.revert(step, labels=False)
            self._redo.append(step)
        for _ in range(-undone):
            step = self._redo.pop()
            frames |= self._annotation.apply(step, labels=False)
            self._undo.append(step)
        if frames:
            self._tell(frozenset(frames))

    def reset(self) -> None:
        """Forget all steps: the layer had other data, which they do not fit."""
        self._layer._reset_history()
        self._undo.clear()
        self._redo.clear()
        self._collected, self._unfilled = [], None
        self._before = self._annotation.labels[self._frame].copy()

    def stop(self) -> None:
        """Listen no more."""
        self._layer.events.paint.disconnect(self._on_paint)
        self._layer.events.labels_update.disconnect(self._on_drawn)
        self._layer.events.set_data.disconnect(self._on_drawn)

    def _on_paint(self, event: Any = None) -> None:
        """A step is in napari's history; a fill or a click is written only after this event."""
        if not self._applying:
            self._unfilled = []
            self._push(self._unfilled)
            self._fill()

    def _fill(self) -> None:
        """Put what a person painted into the step that waits for it."""
        if self._unfilled is None:
            return
        self._collect()
        if not self._collected:
            return
        step, self._unfilled = self._unfilled, None
        step += self._collected
        self._collected = []
        self._tell(frozenset(change.frame for change in step))
        self._stroke_ended(step)

    def _collect(self) -> None:
        change = self._annotation.painted(self._frame, self._before)
        if change is not None:
            self._collected.append(change)
            self._before = self._annotation.labels[self._frame].copy()

    def _push(self, step: list[Change]) -> None:
        self._redo.clear()
        self._undo.append(step)

    def _on_drawn(self, event: Any = None) -> None:
        self.look()

    def _tell(self, frames: frozenset[int]) -> None:
        if self._frame in frames:
            self._before = self._annotation.labels[self._frame].copy()
        self._changed(frames)
