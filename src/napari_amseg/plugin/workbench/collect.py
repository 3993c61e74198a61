"""What the viewer shows, gathered for a workspace; reads no frame."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    Preview,
    current_frame,
    image_source,
    is_image,
    is_labels,
    is_upright,
    label_source,
)
from napari_amseg.plugin.workbench.docks import Docks
from napari_amseg.plugin.workbench.forms import forms_of, model_of
from napari_amseg.plugin.workbench.record import Workspace
from napari_amseg.plugin.workbench.saving import (
    ImageToSave,
    LabelsToSave,
    LayerToSave,
    SaveJob,
    workspace_path,
)

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer


@dataclass(frozen=True)
class Gathered:
    """What is to be written. layers : in the order of the job. remarks : what is left out."""

    job: SaveJob
    layers: tuple[Layer, ...]
    remarks: tuple[str, ...]


def gather(
    viewer: napari.Viewer,
    docks: Docks,
    path: Path,
    *,
    known: Mapping[Layer, Path],
    own: Iterable[Path],
    cancel: threading.Event,
) -> Gathered:
    """The viewer as it is now.

    known : files that held the labels of a layer, or
    an image that was in memory only. own : files that this session wrote or opened.
    cancel : ends the writing.

    Raises
    ------
    ValueError
        If a layer is being segmented.
    """
    widgets = docks.widgets()
    segment = widgets.get("Segment")
    if segment is not None and segment.is_running:
        raise ValueError(
            f"{segment.run.layer.name} is being segmented: wait for the last frame or cancel it, "
            "then save the workspace."
        )
    kept, layers, left_out = [], [], []
    for layer in viewer.layers:
        content = _content(layer, known.get(layer))
        if content is None or not is_upright(layer):
            left_out.append(layer.name)
        else:
            kept.append(layer)
            layers.append(LayerToSave(str(layer.name), _place(layer), content))
    forms = forms_of(widgets)
    remarks = [f"{step}: {why}" for step, why in forms.incomplete.items()]
    if left_out:
        names = ", ".join(left_out)
        remarks.append(f"Left out, as only stacks opened here and labels are kept: {names}.")
    rest = Workspace(
        model=model_of(segment) if segment is not None else None,
        forms=forms,
        frame=current_frame(viewer, kept[0]) if kept else 0,
        docks=docks.front_last(),
    )
    job = SaveJob(workspace_path(path), tuple(layers), rest, frozenset(own), cancel)
    return Gathered(job, tuple(kept), tuple(remarks))


def _content(layer: Layer, known: Path | None) -> ImageToSave | LabelsToSave | None:
    ours = layer.metadata.get(KEY)
    if isinstance(ours, Preview):
        return None
    if is_labels(layer):
        opened = layer.source.path
        return LabelsToSave(layer.data, label_source(layer), known or (opened and Path(opened)))
    if is_image(layer) and isinstance(ours, ImageSource):
        low, high = (float(v) for v in layer.contrast_limits)
        return ImageToSave(image_source(layer), (low, high), str(layer.colormap.name), known)
    return None


def _place(layer: Layer) -> dict[str, Any]:
    before = 3 - layer.ndim
    return {
        "scale": (1.0,) * before + tuple(float(v) for v in layer.scale),
        "translate": (0.0,) * before + tuple(float(v) for v in layer.translate),
        "unit": str(layer.units[-1]),
        "visible": bool(layer.visible),
        "opacity": float(layer.opacity),
    }
