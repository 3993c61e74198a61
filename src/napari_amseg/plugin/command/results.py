"""The commands behind *Preprocess*, *Segment* and *Measure*.

A function takes what a widget holds now and gives a task, for a thread, that makes the plan.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_amseg.models import Bundle
from napari_amseg.pipeline import RunRequest
from napari_amseg.pipeline.command_line import (
    preprocess_words,
    quantify_words,
    recorded,
    segment_words,
)
from napari_amseg.pipeline.command_parts import Words, codes_word
from napari_amseg.plugin.command.inputs import labels_input
from napari_amseg.plugin.command.plan import (
    MakePlan,
    Plan,
    as_command_opens,
    chain_name,
    chain_need,
)
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.layers import image_source, label_source
from napari_amseg.plugin.results_place import results_place
from napari_amseg.preprocess import Chain
from napari_amseg.types import stack_from_array

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_amseg.measure import MeasureSettings
    from napari_amseg.plugin.layers import LabelSource
    from napari_amseg.plugin.measure.export import Display
    from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
    from napari_amseg.types import Experiment

NO_STACK = "Open an image stack first."


def preprocess_plan(image: Layer | None, steps: Chain) -> MakePlan:
    """``amseg preprocess`` of a layer with the steps of the form on top of its own."""
    if image is None:
        raise ValueError(NO_STACK)
    source, stem = image_source(image), safe_stem(image.name)
    if not (source.chain + steps).steps:
        raise ValueError("Switch on at least one step.")

    def plan() -> Plan:
        stack = as_command_opens(source.stack)
        place = results_place(f"{stem}_preprocessed.tif", source.stack)
        chain = source.chain + steps.fit(source.processed())
        return Plan(
            stem,
            place,
            lambda out, beside: preprocess_words(
                stack, out, chain=beside / chain_name(stem, chain)
            ),
            into_file=True,
            needs=chain_need(stem, chain),
            notes=("The widget shows the corrected frames; the command writes them to a file.",),
        )

    return plan


def segment_plan(
    image: Layer | None,
    bundle: Bundle | None,
    settings: SegmentSettings,
    maps: MapSettings,
    post: PostSettings,
) -> MakePlan:
    """``amseg segment`` of a layer, as the form of *Segment* says."""
    if image is None:
        raise ValueError(NO_STACK)
    if bundle is None:
        raise ValueError("Choose a model first.")
    source = image_source(image)
    request = RunRequest(
        source.stack,
        Path(),
        safe_stem(image.name),
        source.chain,
        settings,
        maps,
        post,
    )
    return lambda: _segmented(request, bundle, ())


def measure_plan(shown: Display | str) -> MakePlan:
    """What makes the tables that *Export…* would write now: ``amseg segment`` for rows that came
    while the stack was segmented, ``amseg quantify`` for rows measured since.
    """
    if isinstance(shown, str):
        raise ValueError(shown)
    results, layer, stem = shown.results, shown.layer, shown.stem
    settings, source = results.settings_for(shown.chosen_range), label_source(layer)
    remark = results.remark
    notes = (f"Here {remark}; the command does all.",) if remark else ()
    if source.made_by is not None and source.results is results:
        request, bundle = source.made_by
        request = replace(request, stem=stem, measure=settings)
        return lambda: _segmented(request, bundle, notes)
    return lambda: _quantified(layer, results.experiment, stem, settings, notes)


def _segmented(request: RunRequest, bundle: Bundle, notes: tuple[str, ...]) -> Plan:
    stack = as_command_opens(request.stack)
    place = results_place(f"{request.stem}_results", request.stack)
    chain = chain_name(request.stem, request.chain)
    return Plan(
        request.stem,
        place,
        lambda out, beside: segment_words(
            replace(request, stack=stack, folder=out), bundle, chain=beside / chain
        ),
        needs=chain_need(request.stem, request.chain),
        notes=notes,
    )


def _quantified(
    layer: Layer, known: Experiment, stem: str, settings: MeasureSettings, notes: tuple[str, ...]
) -> Plan:
    labels = labels_input(layer, known)
    codes_word(labels.scheme)  # raises for classes that no command can name
    if labels.file_name is not None:
        saved = "The labels are in no file yet, or were edited since: they are saved beside."
        notes = (*notes, saved)

    def words(out: Path, beside: Path) -> Words:
        request = RunRequest(labels.at(beside), out, stem, measure=settings)
        return quantify_words(request, scheme=labels.scheme)

    made_of = label_source(layer).made_by
    origin = labels.stack if labels.file_name is None or made_of is None else made_of[0].stack
    place = results_place(f"{stem}_results", origin)
    return Plan(stem, place, words, needs=labels.needs, notes=notes)


def export_command(
    shown: Display, source: LabelSource, folder: Path, labels: Any | None
) -> list[str] | None:
    """The command for the run record of an export; None where there is none that does the same.

    source : of the layer. labels : the label stack (T, Y, X) if it is written too.
    """
    results, settings = shown.results, shown.results.settings_for(shown.chosen_range)
    if not results.complete:
        return None
    if source.made_by is not None and source.results is results:
        request, bundle = source.made_by
        made = Chain.from_json(source.run["chain"]) if source.run.get("chain") else request.chain
        request = replace(request, folder=folder, stem=shown.stem, chain=made, measure=settings)
        return recorded(lambda: segment_words(request, bundle))
    if labels is None:
        return None
    file = str(folder / f"{shown.stem}_labels.tif")
    stack = stack_from_array(labels, experiment=results.experiment, files=(file,))
    request = RunRequest(stack, folder, shown.stem, measure=settings)
    return recorded(lambda: quantify_words(request, scheme=source.scheme))
