"""Layers and what they hold: recognised by their metadata, never by their name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.plugin.measure.results import Results
from napari_amseg.preprocess import Chain, Crop
from napari_amseg.types import Experiment, Stack, sample_indices, stack_from_array

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

    from napari_amseg.models import Bundle
    from napari_amseg.pipeline import RunRequest

KEY = "napari-amseg"
_SAMPLED_FRAMES = 4
LayerData = tuple[Any, dict[str, Any], str]


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image layer's origin: the raw stack and what was done to it, statistics written in."""

    stack: Stack
    chain: Chain = field(default_factory=Chain)

    @property
    def experiment(self) -> Experiment:
        """What is known about the measurement."""
        return self.stack.experiment

    def processed(self) -> Stack:
        """The frames as shown."""
        return self.chain.apply(self.stack) if self.chain.steps else self.stack

    def with_experiment(self, experiment: Experiment) -> ImageSource:
        """The same frames, other metadata."""
        return replace(self, stack=replace(self.stack, experiment=experiment))


@dataclass(frozen=True, slots=True)
class LabelSource:
    """A labels layer's origin.

    results : rows that were measured while it was segmented; None if not, or after an edit.
    run : what made it, for the run record.
    made_by : the request and the model that made it, to be told as a command; None if unknown.
    address : what ``read_stack`` opened it from; empty if it was made here.
    confirmed : of an annotation, the labels a person stands for, uint8 (T, Y, X), 0 elsewhere.
    """

    experiment: Experiment = field(default_factory=Experiment)
    scheme: LabelScheme = DEFAULT_SCHEME
    results: Results | None = None
    run: dict[str, Any] = field(default_factory=dict)
    made_by: tuple[RunRequest, Bundle] | None = None
    address: tuple[str, ...] = ()
    confirmed: Stack | None = None

    @property
    def segmented(self) -> tuple[int, int] | None:
        """Frames that a model has segmented, and of how many; None if no model made these labels,
        or nobody knows.
        """
        if self.results is not None:
            return self.results.n_done, self.results.n_frames
        found = self.run.get("segmented")
        counts = (found.get("frames"), found.get("of")) if isinstance(found, dict) else ()
        numbers = [n for n in counts if isinstance(n, int)]
        return (numbers[0], numbers[1]) if len(numbers) == 2 else None

    @property
    def unsegmented(self) -> str:
        """That the segmentation was cancelled or failed, in words; empty if it was not."""
        done, n_frames = self.segmented or (0, 0)
        return f"only {done} of {n_frames} frames were segmented" if done < n_frames else ""


class Preview:
    """Marks a layer that is nobody's input: a preview, a confidence map."""


def is_image(layer: Layer) -> bool:
    """Whether a layer holds grey frames, (T, Y, X) or (Y, X), that can be processed."""
    from napari.layers import Image

    ours = layer.metadata.get(KEY)
    return (
        isinstance(layer, Image)
        and not layer.rgb
        and not layer.multiscale
        and layer.ndim in (2, 3)
        and not isinstance(ours, Preview)
    )


def is_labels(layer: Layer) -> bool:
    """Whether a layer holds label images, (T, Y, X) or (Y, X)."""
    from napari.layers import Labels

    return (
        isinstance(layer, Labels)
        and not layer.multiscale
        and layer.ndim in (2, 3)
        and not isinstance(layer.metadata.get(KEY), Preview)
    )


def is_upright(layer: Layer) -> bool:
    """Whether a layer is only scaled and shifted, so that another one can be laid on it."""
    n = layer.ndim
    return bool(
        np.allclose(layer.rotate, np.eye(n))
        and np.allclose(layer.shear, 0)
        and np.allclose(layer.affine.affine_matrix, np.eye(n + 1))
    )


def image_source(layer: Layer) -> ImageSource:
    """What an image layer shows; a layer from elsewhere is taken as it is."""
    ours = layer.metadata.get(KEY)
    if isinstance(ours, ImageSource):
        return ours
    experiment = Experiment(pixel_size_um=_pixel_size_um(layer))
    return ImageSource(stack_from_array(layer.data, experiment=experiment))


def label_source(layer: Layer) -> LabelSource:
    """What is known of a labels layer; one from elsewhere has the default classes."""
    ours = layer.metadata.get(KEY)
    if isinstance(ours, LabelSource):
        return ours
    return LabelSource(Experiment(pixel_size_um=_pixel_size_um(layer)))


def _pixel_size_um(layer: Layer) -> float | None:
    """The pixel size a foreign layer states in a unit of length; pixels say nothing."""
    sizes = []
    for scale, unit in zip(layer.scale[-2:], layer.units[-2:], strict=True):
        if not unit.is_compatible_with("micrometer"):
            return None
        sizes.append(float((scale * unit).to("micrometer").magnitude))
    return sizes[0] if sizes[0] > 0 and np.isclose(*sizes) else None


def placement(experiment: Experiment, *, offset_px: tuple[float, float] = (0, 0)) -> dict[str, Any]:
    """Scale, units and translation of a (T, Y, X) layer; the time axis counts frames."""
    pixel = experiment.pixel_size_um
    size, unit = (pixel, "um") if pixel else (1.0, "pixel")
    return {
        "scale": (1.0, size, size),
        "units": ("pixel", unit, unit),
        "translate": (0.0, offset_px[0] * size, offset_px[1] * size),
        "axis_labels": ("frame", "y", "x"),
    }


def crop_offset_px(chain: Chain) -> tuple[int, int]:
    """Row and column of the raw frame at which the processed frame begins."""
    crops = [step for step in chain.steps if isinstance(step, Crop)]
    return sum(c.y0 for c in crops), sum(c.x0 for c in crops)


def place_on(layer: Layer, *, offset_px: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """Where a (T, Y, X) layer made from `layer` lies, if it begins `offset_px` inside it."""
    size = layer.scale[-2:]
    y, x = (float(v) for v in layer.translate[-2:] + size * np.array(offset_px))
    first = (layer.scale[0], layer.translate[0]) if layer.ndim == 3 else (1.0, 0.0)
    return {
        "scale": (float(first[0]), float(size[0]), float(size[1])),
        "units": ("pixel", *layer.units[-2:]),
        "translate": (float(first[1]), y, x),
        "axis_labels": ("frame", "y", "x"),
    }


def image_layer(
    source: ImageSource,
    name: str,
    place: dict[str, Any] | None = None,
    limits: tuple[float, float] | None = None,
) -> LayerData:
    """A lazy image layer of a source, at a `place` or where its crops put it.

    limits : contrast limits; from a few frames if not given.
    """
    stack = source.processed()
    place = place or placement(source.experiment, offset_px=crop_offset_px(source.chain))
    options = {
        "name": name,
        "contrast_limits": limits or contrast_limits(stack),
        "metadata": {KEY: source},
        **place,
    }
    return stack.to_dask(), options, "image"


def contrast_limits(stack: Stack) -> tuple[float, float]:
    """Grey values between which a few sampled frames lie, but for the outermost 0.1 %."""
    frames = [stack.read(int(t)) for t in sample_indices(len(stack), _SAMPLED_FRAMES)]
    return image_limits(np.stack([frame[::2, ::2] for frame in frames]))


def image_limits(image: NDArray[Any]) -> tuple[float, float]:
    """Grey values between which an image lies, but for the outermost 0.1 %."""
    finite = image[np.isfinite(image)] if image.dtype.kind == "f" else image
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(finite, (0.1, 99.9)))
    return (low, high) if high > low else (low, low + 1)


def labels_layer(
    labels: NDArray[Any], name: str, source: LabelSource, place: dict[str, Any] | None = None
) -> LayerData:
    """A labels layer (T, Y, X) in the scheme's colours, its class names told on hover."""
    options = {
        "name": name,
        "metadata": {KEY: source},
        "opacity": 0.5,
        **scheme_display(source.scheme),
        **(place or placement(source.experiment)),
    }
    return labels, options, "labels"


def scheme_display(scheme: LabelScheme) -> dict[str, Any]:
    """Colormap and features that give a Labels layer the colours and names of a scheme."""
    from napari.utils.colormaps import DirectLabelColormap

    colors: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
    colors |= {c.code: c.color for c in scheme.classes}
    return {
        "colormap": DirectLabelColormap(color_dict=colors),
        "features": {
            "index": [0, *scheme.codes],
            "name": ["unlabelled", *scheme.names],
        },
    }


def current_frame(viewer: napari.components.ViewerModel, layer: Layer) -> int:
    """The frame of `layer` that the viewer shows."""
    if layer.ndim < 3:
        return 0
    n = layer.data.shape[0]
    t = layer.world_to_data(viewer.dims.point[-layer.ndim :])[0]
    return int(np.clip(round(t), 0, n - 1))


def show_frame(viewer: napari.components.ViewerModel, layer: Layer, frame: int) -> None:
    """Move the viewer to a frame of `layer`."""
    if layer.ndim < 3:
        return
    axis = viewer.dims.ndim - layer.ndim
    viewer.dims.set_point(axis, frame * layer.scale[0] + layer.translate[0])


def matching(viewer: napari.components.ViewerModel, accept: Callable[[Layer], bool]) -> list[Layer]:
    """The viewer's layers of a kind, in the order of its list."""
    return [layer for layer in viewer.layers if accept(layer)]
