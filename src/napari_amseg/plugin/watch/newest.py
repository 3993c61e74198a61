"""The newest frame of a watch and its mask, as two layers that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_amseg.labels import LabelScheme
from napari_amseg.pipeline.watch.events import WatchedFrame
from napari_amseg.plugin.layers import KEY, Preview, image_limits, placement, scheme_display
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    import napari
    from napari.layers import Image, Labels

_OPACITY = 0.5


class NewestFrame:
    """Shows frames; the layers come with the first one and stay after the last.

    They hold one frame only, so the mask cannot be painted on: it would be gone with the next.
    offset_px : row and column of the raw frame at which the labels begin.
    """

    def __init__(
        self,
        viewer: napari.components.ViewerModel,
        scheme: LabelScheme,
        offset_px: tuple[int, int],
    ) -> None:
        self._viewer, self._scheme, self._offset_px = viewer, scheme, offset_px
        self._image: Image | None = None
        self._labels: Labels | None = None
        self._stem = ""
        self._size: tuple[float | None, ...] = ()

    def show(self, frame: WatchedFrame) -> None:
        """Show a frame that came with its pixels."""
        image, labels = frame.image, frame.labels
        if image is None or labels is None:
            return
        size = (*image.shape, frame.experiment.pixel_size_um)
        if self._image is None or self._labels is None or size != self._size:
            self._size, self._stem = size, ""
            self._add(frame.experiment, image, labels)
        elif self._image in self._viewer.layers and self._labels in self._viewer.layers:
            self._image.data, self._labels.data = image, labels
        else:
            return  # the user has closed them
        self._labels.editable = False  # new data make it editable
        if frame.stem != self._stem:  # from frame to frame they would flicker
            self._stem = frame.stem
            self._image.contrast_limits = image_limits(image)
            self._image.name = f"{frame.stem} newest"
            self._labels.name = f"{frame.stem} newest mask"

    def _add(self, experiment: Experiment, image: Any, labels: Any) -> None:
        """New layers, in the place of those of a stack with other frames."""
        from napari.layers import Image, Labels

        for old in (self._image, self._labels):
            if old is not None and old in self._viewer.layers:
                self._viewer.layers.remove(old)
        self._image = Image(
            image,
            metadata={KEY: Preview()},
            contrast_limits=_range_of(image),
            **_placed(experiment, (0, 0)),
        )
        self._labels = Labels(
            labels,
            metadata={KEY: Preview()},
            opacity=_OPACITY,
            **scheme_display(self._scheme),
            **_placed(experiment, self._offset_px),
        )
        for layer in (self._image, self._labels):
            self._viewer.add_layer(layer)
        self._viewer.reset_view()


def _placed(experiment: Experiment, offset_px: tuple[int, int]) -> dict[str, Any]:
    """Where a (Y, X) layer lies."""
    return {k: v[1:] for k, v in placement(experiment, offset_px=offset_px).items()}


def _range_of(image: Any) -> tuple[float, float]:
    if image.dtype.kind in "ui":
        return 0.0, float(np.iinfo(image.dtype).max)
    return image_limits(image)
