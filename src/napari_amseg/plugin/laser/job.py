"""What the *Laser frame* widget runs in its threads, and where its layers lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.measure.laser_frame import Window, relative_change, travelling_window
from napari_amseg.measure.laser_line import LaserLine
from napari_amseg.pipeline.laser_frame import fit_line_to, project
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    LayerData,
    Preview,
    image_source,
    label_source,
    labels_layer,
    place_on,
)
from napari_amseg.types import Experiment, Stack, stack_from_array

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_MOST_LABEL_BYTES = 2 * 2**30
_SAMPLED_FRAMES = 512  # of a kymograph, for its contrast
_GAP = 0.05  # between an image and what is put below it, times the image's height


class CancelledError(Exception):
    """The user does not want it any more."""


class Progress:
    """Counts the frames of a loop, for a progress bar, and ends it when cancelled."""

    def __init__(self) -> None:
        self.done, self.total = 0, 1
        self.cancel = cancel_event()

    def __call__(self, frames: Iterable[Any], total: int, what: str) -> Iterator[Any]:
        """Pass frames through."""
        self.done, self.total = 0, total
        for frame in frames:
            if self.cancel.is_set():
                raise CancelledError
            yield frame
            self.done += 1


@dataclass(frozen=True, slots=True)
class Seen:
    """A laser line and what changes along it: the kymograph, relative, float32 (T, X).

    levels : values of it that are shown black and white.
    """

    line: LaserLine
    change: NDArray[np.float32]
    levels: tuple[float, float]


@dataclass(frozen=True, slots=True)
class LaserJob:
    """A click on *Fit line*: frames, label images to fit or None, rows to project or None."""

    stack: Stack
    labels: Stack | None
    scheme: LabelScheme
    rows: tuple[int, int] | None

    @classmethod
    def of(cls, image: Layer, labels: Layer | None, rows: tuple[int, int] | None) -> LaserJob:
        """The job for the layers of a viewer."""
        if labels is None:
            return cls(shown_stack(image), None, DEFAULT_SCHEME, rows)
        scheme = label_source(labels).scheme
        return cls(shown_stack(image), stack_from_array(labels.data), scheme, rows)

    def run(self, progress: Progress) -> Seen | None:
        """The line, one to be dragged into place if there is none to be found; None if it was
        cancelled. Raises as :func:`.project` does.
        """
        try:
            _, xt = project(self.stack, labels=self.labels, rows=self.rows, track=progress)
            try:
                line = fit_line_to(xt, self.labels, scheme=self.scheme, track=progress)
            except ValueError as error:
                line = _to_be_dragged(xt.shape[0], xt.shape[1], str(error))
        except CancelledError:
            return None
        change = relative_change(xt)
        return Seen(line, change, _levels(change))


def _levels(change: NDArray[np.float32]) -> tuple[float, float]:
    """Values shown black and white: 1 % of a sample are darker, 0.5 % are brighter."""
    sample = change[:: -(-len(change) // _SAMPLED_FRAMES)]
    low, high = (float(v) for v in np.percentile(sample, (1, 99.5)))
    return low, high if high > low else low + 1


def _to_be_dragged(n_frames: int, width: int, why: str) -> LaserLine:
    """A line across the middle of the kymograph."""
    velocity = width / 2 / max(n_frames - 1, 1)
    return LaserLine(width / 4, velocity, 0, n_frames - 1, notes=(why,))


def shown_stack(layer: Layer) -> Stack:
    """The frames an image layer shows, its preprocessing done."""
    return image_source(layer).processed()


def window_layer(
    viewer: napari.components.ViewerModel,
    image: Layer,
    line: LaserLine,
    window: Window,
    experiment: Experiment,
) -> LayerData:
    """A lazy layer of what travels with the laser, below everything there is.

    Raises
    ------
    ValueError
        As :func:`.travelling_window` does.
    """
    cut = travelling_window(shown_stack(image), line, window)
    # what reads the files again would find other frames, and flats that do not travel
    unfiled = replace(cut, files=(), opened_as=(), dataset="", flat=None, dark=None)
    source = ImageSource(replace(unfiled, experiment=experiment))
    place = _below(viewer, image)
    if window.on_only:
        frames, y, x = place["translate"]
        place["translate"] = (frames + line.first_frame * place["scale"][0], y, x)
    options = {
        "name": f"{image.name} laser frame",
        "contrast_limits": tuple(image.contrast_limits),  # no frame is read to find others
        "metadata": {KEY: source},
        **place,
    }
    return source.stack.to_dask(), options, "image"


def travelling_labels(
    labels: Layer, line: LaserLine, window: Window, progress: Progress
) -> NDArray[np.uint8] | None:
    """Label images that travel with the laser, uint8 (T, Y, columns), in memory: napari paints on
    nothing else. None if it was cancelled.

    Raises
    ------
    ValueError
        If they would fill more than 2 GiB, or as :func:`.travelling_window` does.
    """
    cut = travelling_window(stack_from_array(labels.data), line, window, labels=True)
    n_bytes = int(np.prod(cut.shape, dtype=np.int64))
    if n_bytes > _MOST_LABEL_BYTES:
        raise ValueError(
            f"travelling labels would fill {n_bytes / 2**30:.1f} GiB, more than 2: choose a "
            "smaller window or only the frames of the laser track, or run amseg laser."
        )
    found = np.empty(cut.shape, np.uint8)
    try:
        for t in progress(range(len(cut)), len(cut), "cutting labels"):
            found[t] = cut.read(t)
    except CancelledError:
        return None
    return found


def window_labels_layer(
    codes: NDArray[np.uint8], labels: Layer, beside: Layer, experiment: Experiment
) -> LayerData:
    """Travelling labels as a layer over the travelling window `beside`."""
    source = replace(label_source(labels), experiment=experiment, results=None)
    return labels_layer(codes, f"{labels.name} laser frame", source, place_on(beside))


def kymograph_layer(viewer: napari.components.ViewerModel, image: Layer, found: Seen) -> LayerData:
    """The kymograph, (T, X), below everything there is: its columns under the image's, time
    downwards, as high as the image.
    """
    place = _below(viewer, image)
    _, size_y, size_x = place["scale"]
    options = {
        "name": f"{image.name} kymograph",
        "contrast_limits": found.levels,
        "metadata": {KEY: Preview()},
        "scale": (size_y * image.data.shape[-2] / len(found.change), size_x),
        "translate": place["translate"][1:],
        "units": place["units"][1:],
        "axis_labels": ("y", "x"),
    }
    return found.change, options, "image"


def _below(viewer: napari.components.ViewerModel, image: Layer) -> dict[str, Any]:
    """Where a layer made from `image` lies if it is put below all layers there are."""
    place = place_on(image)
    first, _, x = place["translate"]
    size = place["scale"][1]
    bottom = max(float(layer.extent.world[1][-2]) for layer in viewer.layers)
    place["translate"] = (first, bottom + size * (1 + _GAP * image.data.shape[-2]), x)
    return place
