"""How far each step is, in words, told from the layers and the widgets that exist."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_amseg.annotate.annotation import Status
from napari_amseg.models import bundled_models
from napari_amseg.plugin.layers import (
    image_source,
    is_image,
    is_labels,
    label_source,
    matching,
)
from napari_amseg.plugin.measure.results import Results
from napari_amseg.plugin.train.trained import trained_models
from napari_amseg.plugin.workbench.origin import may_be_of
from napari_amseg.types import Experiment
from napari_amseg.words import counted

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

OPTIONAL = ("Preprocess", "Annotate", "Train")


class Mark(Enum):
    """Where a step stands; its value is shown beside its name."""

    WAITING = ""
    OPTIONAL = "optional"
    NEXT = "next"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StepState:
    """How far a step is, in a few words. begun : it is, if neither done nor running."""

    text: str
    done: bool = False
    running: bool = False
    begun: bool = False


def states(
    viewer: napari.Viewer, widgets: Mapping[str, Any], exported: Mapping[Results, Path]
) -> dict[str, StepState]:
    """The state of every step.

    widgets : of the steps whose docks are open. exported : folders with tables, by the
    rows that are in them.
    """
    images, labels = matching(viewer, is_image), matching(viewer, is_labels)
    image = _in_work(images, widgets)
    return {
        "Load": _load(image, images, labels),
        "Preprocess": _preprocess(image),
        "Annotate": _annotate(widgets.get("Annotate"), labels),
        "Train": _train(widgets.get("Train")),
        "Segment": _segment(widgets.get("Segment"), image, labels),
        "Measure": _measure(widgets.get("Measure"), image, labels, exported),
    }


def marks(of: Mapping[str, StepState], *, has_model: bool) -> dict[str, Mark]:
    """The mark of every step; at most one is the next. Without a model one must be trained."""
    optional = OPTIONAL if has_model else OPTIONAL[:1]
    found = {step: Mark.OPTIONAL if step in optional else Mark.WAITING for step in of}
    for step, state in of.items():
        if state.running:
            found[step] = Mark.RUNNING
        elif state.done:
            found[step] = Mark.DONE
    wanted = [step for step in of if step not in optional]
    done = [i for i, step in enumerate(wanted) if of[step].done]
    rest = wanted[done[-1] + 1 if done else 0 :]
    if rest and not any(state.running for state in of.values()):
        found[rest[0]] = Mark.NEXT
    return found


def has_model(widgets: Mapping[str, Any]) -> bool:
    """Whether there is a model to segment with."""
    segment = widgets.get("Segment")
    chosen = segment is not None and segment.model.box.currentData() is not None
    return bool(chosen or bundled_models() or trained_models().folders)


def _in_work(images: list[Layer], widgets: Mapping[str, Any]) -> Layer | None:
    """The image that is worked on: that of *Segment*, else the newest."""
    segment = widgets.get("Segment")
    chosen = None if segment is None else segment.image.layer()
    return chosen if chosen in images else (images[-1] if images else None)


def _load(image: Layer | None, images: list[Layer], labels: list[Layer]) -> StepState:
    if image is None:
        names = ", ".join(layer.name for layer in labels)
        return StepState(f"labels only: {names}" if names else "open a stack")
    source = image_source(image)
    raw = [i for i in images if (s := image_source(i)).stack is source.stack and not s.chain.steps]
    shown = raw[-1] if raw else image
    facts = (f"{counted(len(source.stack), 'frame')}", *_known(source.experiment))
    return StepState(f"{shown.name}: {', '.join(facts)}", done=True)


def _known(experiment: Experiment) -> Iterable[str]:
    size, rate = experiment.pixel_size_um, experiment.frame_rate_hz
    yield "pixel size unknown" if size is None else f"{size:g} µm"
    if rate is None:
        yield "frame rate unknown"
    else:
        yield f"{rate / 1000:g} kHz" if rate >= 1000 else f"{rate:g} Hz"


def _preprocess(image: Layer | None) -> StepState:
    steps = () if image is None else image_source(image).chain.steps
    if not steps:
        return StepState("frames as they are")
    return StepState(
        f"corrected: {', '.join(step.kind.replace('_', ' ') for step in steps)}", done=True
    )


def _annotate(widget: Any, labels: list[Layer]) -> StepState:
    if widget is None or widget.session is None or widget.keeper is None:
        kept = [layer.name for layer in labels if label_source(layer).confirmed is not None]
        # whether it was all saved, its keeper knew
        return StepState(f"ended: {kept[-1]}" if kept else "label frames by hand", begun=bool(kept))
    n_frames = int(np.count_nonzero(widget.session.annotation.statuses >= Status.IN_PROGRESS))
    n_unsaved = widget.keeper.n_unsaved
    saved = f"{n_unsaved:,} not saved" if n_unsaved else "saved"
    text = (
        f"{counted(n_frames, 'frame')} annotated, {saved}" if n_frames else "nothing labelled yet"
    )
    return StepState(text, done=n_frames > 0 and not n_unsaved, begun=True)


def _train(widget: Any) -> StepState:
    if widget is not None and widget.is_running:
        return StepState(widget.run.progress.text(time.monotonic()), running=True)
    folders = trained_models().folders
    if folders:
        return StepState(f"model {folders[-1].name}", done=True)
    return StepState("learn from your labels")


def _segment(widget: Any, image: Layer | None, labels: list[Layer]) -> StepState:
    if widget is not None and widget.is_running:
        progress = widget.run.progress
        return StepState(_part("segmented", progress.done, progress.n_frames), running=True)
    plain = [layer for layer in labels if label_source(layer).confirmed is None]
    made = [layer for layer in plain if _is_made(layer)]
    own = [layer for layer in made if image is None or may_be_of(layer, image)]
    if own:
        return _segmented(own[-1])
    if plain and image is None:
        return StepState(f"labels: {plain[-1].name}", done=True)
    if made and image is not None:
        return StepState(f"{image.name}: not segmented yet")
    model = "" if widget is None else widget.model.box.currentText()
    return StepState(f"model {model}" if model else "keyholes and pores by a model")


def _is_made(layer: Layer) -> bool:
    """Whether a model made these labels."""
    source = label_source(layer)
    return bool(source.run.get("model")) or source.segmented is not None


def _segmented(layer: Layer) -> StepState:
    source = label_source(layer)
    model = source.run.get("model")
    by = f" by {model.get('name', 'a model')}" if isinstance(model, dict) else ""
    if source.segmented is None:
        return StepState(f"{layer.name},{by}", done=True)
    done, n_frames = source.segmented
    return StepState(f"{_part('segmented', done, n_frames)}{by}", done=done == n_frames)


def _measure(
    widget: Any, image: Layer | None, labels: list[Layer], exported: Mapping[Results, Path]
) -> StepState:
    layer = None if widget is None else widget.page.labels.layer()
    if widget is None or layer is None:
        rows = [s.results for s in map(label_source, labels) if s.results is not None]
        return StepState("numbers are ready to be seen" if rows else "areas, depths, pores")
    results = widget.results
    if widget.is_running and results is not None:
        return StepState(_part("measured", results.n_done, results.n_frames), running=True)
    if results is None or not results.n_done:
        return StepState(f"{layer.name}: not measured yet")
    if results.stale:
        return StepState(f"{layer.name} was edited: measure again")
    text = _part("measured", results.n_done, results.n_frames)
    if results in exported:
        text += f"; exported to {exported[results].name}"
    of_image = image is None or may_be_of(layer, image)
    return StepState(text if of_image else f"{layer.name}: {text}", of_image and results.complete)


def _part(what: str, done: int, total: int) -> str:
    return f"{what} {done:,}/{total:,}"
