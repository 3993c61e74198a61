"""What the *Grad-CAM* widget runs in its thread, and the layers that show what came of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.explain import ExplainSettings
from napari_amseg.models import Bundle
from napari_amseg.pipeline.jobs import Explained, ExplainJob, Failed, Finished
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.plugin.layers import KEY, ImageSource, Preview, image_source, place_on
from napari_amseg.plugin.preview import Previewer
from napari_amseg.plugin.scratch import scratch_array

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer


@dataclass(frozen=True, slots=True)
class FrameJob:
    """A click on *Explain*. origin : tells the data of one layer and model from others."""

    source: ImageSource
    bundle: Bundle
    frame: int
    class_name: str
    settings: ExplainSettings
    origin: tuple[Any, ...]

    @classmethod
    def of(
        cls, image: Layer, bundle: Bundle, frame: int, class_name: str, settings: ExplainSettings
    ) -> FrameJob:
        """The job for a frame of an image layer."""
        origin = (id(image.data), id(image.metadata.get(KEY)))
        return cls(image_source(image), bundle, frame, class_name, settings, origin)


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A heat map, float32 (Y, X), where it begins in the image's frame, and what is to be told."""

    heat: NDArray[np.float32]
    offset_px: tuple[int, int]
    explained: Explained

    def in_words(self, job: FrameJob) -> str:
        """What was explained, for people."""
        found = self.explained
        which = f"predicted as {job.class_name}" if found.pixels == "predicted" else "of the frame"
        told = (
            f"Frame {job.frame}, {job.class_name}, layer {found.layer}: evidence for the "
            f"{found.n_pixels} pixels {which}, {found.device}."
        )
        return "\n".join((told, *(note[0].upper() + note[1:] for note in found.notes)))


@dataclass(frozen=True, slots=True)
class HeatOf(Preview):
    """Marks the layer that shows heat maps of a class in an image layer; nobody's input."""

    image: int
    class_name: str


def run_frame_job(
    job: FrameJob, frames: Previewer, process: ComputeProcess, cancel: threading.Event
) -> HeatMap | Finished:
    """Bring the frame into the model's input range here, have it explained there.

    Raises
    ------
    ValueError, OSError
        As preprocessing does, or if the compute process could not do it.
    """
    ready = frames.image(job.source, job.bundle.card.chain, job.frame, job.origin)
    frame_path, frame = scratch_array(ready.image.shape, np.float32, what="the frame")
    heat_path, heat = scratch_array(ready.image.shape, np.float32, what="the heat map")
    frame[:] = ready.image
    request = ExplainJob(
        frame=str(frame_path),
        bundle=str(job.bundle.folder),
        class_name=job.class_name,
        out=str(heat_path),
        settings=job.settings,
    )
    *_, answer = process.run(request, cancel)
    if isinstance(answer, Failed):
        raise ValueError(answer.message)
    if not isinstance(answer, Explained):
        return Finished(cancelled=True)
    return HeatMap(np.array(heat), ready.offset_px, answer)


def show_heat(
    viewer: napari.components.ViewerModel, heat: HeatMap, job: FrameJob, image: Layer
) -> None:
    """Put a heat map over the frame it belongs to, in place of an earlier one of the same class.

    Nothing is shown if the image has gone meanwhile.
    """
    if image not in viewer.layers:
        return
    data, place = heat.heat[np.newaxis], place_on(image, offset_px=heat.offset_px)
    first, y, x = place["translate"]
    place["translate"] = (first + job.frame * place["scale"][0], y, x)
    if image.ndim == 2:
        data, place = heat.heat, {name: value[-2:] for name, value in place.items()}
    mark = HeatOf(id(image), job.class_name)
    earlier = next((layer for layer in viewer.layers if layer.metadata.get(KEY) == mark), None)
    if earlier is None:
        _add(viewer, data, f"{image.name} Grad-CAM {job.class_name}", mark, place)
        return
    earlier.data = data
    for name, value in place.items():
        setattr(earlier, name, value)


def _add(
    viewer: napari.components.ViewerModel,
    data: NDArray[np.float32],
    name: str,
    mark: HeatOf,
    place: dict[str, Any],
) -> None:
    from napari.layers import Image

    layer = Image(
        data,
        name=name,
        colormap="inferno",
        blending="translucent_no_depth",  # added to bright frames it would be white
        opacity=0.6,
        contrast_limits=(0, 1),
        metadata={KEY: mark},
        **place,
    )
    selected = set(viewer.layers.selection)
    viewer.add_layer(layer)
    viewer.layers.selection = selected
