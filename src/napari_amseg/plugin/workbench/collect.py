"""What the viewer shows, gathered for a workspace; reads no frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_amseg.plugin.form_records.forms import forms_of
from napari_amseg.plugin.form_records.model import model_of
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
from napari_amseg.plugin.workbench.folder import Held, ImageToSave, LabelsToSave
from napari_amseg.plugin.workbench.record import Workspace
from napari_amseg.plugin.workbench.saving import LayerToSave, SaveJob, workspace_path

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
    known: Mapping[Layer, Held],
    own: Mapping[Path, str],
    may_replace: bool = False,
) -> Gathered:
    """The viewer as it is now.

    known : files that held the labels of a layer, or an image that was in memory only.
    own, may_replace : as in :class:`.SaveJob`.

    Raises
    ------
    ValueError
        If labels are being made.
    """
    widgets = docks.widgets()
    _check_quiet(widgets)
    kept, layers, others, turned = [], [], [], []
    for layer in viewer.layers:
        content = _content(layer, known.get(layer))
        if content is None:
            others.append(layer.name)
        elif not is_upright(layer):
            turned.append(layer.name)
        else:
            kept.append(layer)
            layers.append(LayerToSave(str(layer.name), _place(layer), content))
    segment = widgets.get("Segment")
    forms = forms_of(widgets)
    rest = Workspace(
        model=model_of(segment) if segment is not None else None,
        forms=forms,
        frame=_frame(viewer, kept),
        docks=docks.front_last(),
    )
    job = SaveJob(workspace_path(path), tuple(layers), rest, dict(own), may_replace)
    incomplete = (f"{step}: {why}" for step, why in forms.incomplete.items())
    return Gathered(job, tuple(kept), (*incomplete, *_left_out(others, turned)))


def _check_quiet(widgets: Mapping[str, Any]) -> None:
    """Refuse while labels come: half of them would be kept."""
    segment, annotate = widgets.get("Segment"), widgets.get("Annotate")
    if segment is not None and segment.is_running:
        raise ValueError(
            f"{segment.run.layer.name} is being segmented: wait for the last frame or cancel it, "
            "then save the workspace."
        )
    if annotate is None or annotate.session is None:
        return
    if annotate.learn.is_running or annotate.aids.desk.run is not None:
        raise ValueError(
            f"{annotate.session.layer.name}: a model or an aid is at work in Annotate. Wait for it "
            "or cancel it, then save the workspace."
        )
    annotate.session.history.look()  # what was painted last is by hand


def _frame(viewer: napari.Viewer, layers: Iterable[Layer]) -> int:
    """The frame in view, of the first layer that has several."""
    return next((current_frame(viewer, layer) for layer in layers if has_frames(layer)), 0)


def has_frames(layer: Layer) -> bool:
    """Whether a layer is more than a single image."""
    return bool(layer.ndim == 3 and layer.data.shape[0] > 1)


def _left_out(others: list[str], turned: list[str]) -> Iterable[str]:
    if others:
        names = ", ".join(others)
        yield f"Left out, as only stacks opened here and labels are kept: {names}."
    if turned:
        yield (
            f"Left out, as they are rotated, sheared or transformed: {', '.join(turned)}. Set that "
            "back, or save their labels to a file."
        )


def _content(layer: Layer, known: Held | None) -> ImageToSave | LabelsToSave | None:
    ours = layer.metadata.get(KEY)
    if isinstance(ours, Preview):
        return None
    if is_labels(layer):
        opened = layer.source.path
        known = known or (Held(Path(opened)) if opened else None)
        return LabelsToSave(layer.data, label_source(layer), known)
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
