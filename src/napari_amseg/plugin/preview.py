"""The preview of a preprocessing chain: one frame, computed in a thread, in a layer of its own."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    Preview,
    crop_offset_px,
    image_limits,
    place_on,
)
from napari_amseg.preprocess import Chain
from napari_amseg.types import Frame, Stack

if TYPE_CHECKING:
    import napari
    from napari.layers import Image, Layer


@dataclass(frozen=True, slots=True)
class PreviewImage:
    """A processed frame (Y, X), where it begins in its source's frame, what the steps noted."""

    image: Frame
    offset_px: tuple[int, int]
    notes: tuple[str, ...]
    key: tuple[Any, ...]


class Previewer:
    """Computes previews; the statistics of a chain are taken once, not once a frame."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[Any, ...] | None = None
        self._stack: Stack | None = None

    def image(
        self, source: ImageSource, chain: Chain, frame: int, origin: tuple[int, ...]
    ) -> PreviewImage:
        """The frame with the chain applied on top of what the source already has behind it.

        origin : tells the data of one layer from those of another.

        Raises
        ------
        ValueError, OSError
            As the chain does.
        """
        whole = source.chain + chain
        key = (*origin, repr(whole.to_json()))
        with self._lock:
            if key != self._key or self._stack is None:
                self._stack, self._key = whole.preview(source.stack), key
            stack = self._stack
        return PreviewImage(
            image=np.asarray(stack.read(min(frame, len(stack) - 1))),
            offset_px=crop_offset_px(chain),
            notes=stack.notes[len(source.stack.notes) :],
            key=key,
        )


class PreviewLayer:
    """The layer that shows previews; made when needed, forgotten when the user removes it."""

    def __init__(self, viewer: napari.components.ViewerModel):
        self._viewer = viewer
        self._layer: Image | None = None
        self._key: tuple[Any, ...] | None = None

    @property
    def is_shown(self) -> bool:
        """Whether there is a preview in the viewer."""
        return self._layer is not None and self._layer in self._viewer.layers

    def show(self, preview: PreviewImage, below: Layer) -> None:
        """Put a preview over the layer it belongs to."""
        where = place_on(below, offset_px=preview.offset_px)
        where = {name: value[-2:] for name, value in where.items()}
        if self._layer is None or not self.is_shown:
            from napari.layers import Image

            layer = Image(preview.image, name="preview", metadata={KEY: Preview()}, **where)
            layer.contrast_limits = image_limits(preview.image)
            selected = set(self._viewer.layers.selection)
            self._viewer.layers.insert(self._viewer.layers.index(below) + 1, layer)
            self._viewer.layers.selection = selected
            self._layer, self._key = layer, preview.key
            return
        self._layer.data = preview.image
        for name, value in where.items():
            setattr(self._layer, name, value)
        if preview.key != self._key:  # limits stay put while frames change, so that they compare
            self._layer.contrast_limits = image_limits(preview.image)
            self._key = preview.key

    def remove(self) -> None:
        """Take the preview out of the viewer."""
        if self.is_shown:
            self._viewer.layers.remove(self._layer)
        self._layer = None
