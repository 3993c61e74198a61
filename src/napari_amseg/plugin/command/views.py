"""The commands behind *Laser frame*, *Grad-CAM* and *Video*.

A function takes what a widget holds now and gives a task, for a thread, that makes the plan.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_amseg.pipeline.command_line import (
    explain_words,
    laser_words,
    video_words,
)
from napari_amseg.pipeline.command_parts import Words, codes_as_drawn
from napari_amseg.plugin.command.inputs import LabelsInput, labels_input
from napari_amseg.plugin.command.plan import (
    MakePlan,
    Plan,
    Writer,
    as_command_opens,
    chain_name,
    chain_need,
)
from napari_amseg.plugin.command.results import NO_STACK
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.layers import image_source
from napari_amseg.plugin.results_place import results_place

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_amseg.explain import ExplainSettings
    from napari_amseg.models import Bundle
    from napari_amseg.pipeline.laser_frame import LaserRequest
    from napari_amseg.report.video import VideoSettings
    from napari_amseg.types import Experiment

_ADDED_LAYERS = "The widget adds layers; the command writes the same to files."
_OTHER_LOOKS = (
    "The classes have names or colours of their own here; the command draws them in the default "
    "ones."
)


def laser_plan(request: LaserRequest, labels: Layer | None) -> MakePlan:
    """``amseg laser``. request : all but where the files go and the labels."""
    stack, stem, chain = request.stack, request.stem, request.chain

    def plan() -> Plan:
        opened = as_command_opens(stack)
        place = results_place(f"{stem}_laser", stack)
        masks = None if labels is None else labels_input(labels)

        def words(out: Path, beside: Path) -> Words:
            with_labels = replace(request, stack=opened, folder=out)
            if masks is not None:
                with_labels = replace(with_labels, labels=masks.at(beside), scheme=masks.scheme)
            return laser_words(with_labels, chain=beside / chain_name(stem, chain))

        needs = chain_need(stem, chain) | _needs(masks)
        return Plan(stem, place, words, needs=needs, notes=(_ADDED_LAYERS,))

    return plan


def explain_plan(
    image: Layer | None,
    bundle: Bundle | None,
    *,
    frame: int,
    class_name: str,
    settings: ExplainSettings,
) -> MakePlan:
    """``amseg explain`` of the shown frame."""
    if image is None:
        raise ValueError(NO_STACK)
    if bundle is None:
        raise ValueError("Choose a model first.")
    source, stem = image_source(image), safe_stem(image.name)

    def plan() -> Plan:
        from napari_amseg.pipeline.explain import ExplainRequest

        stack = as_command_opens(source.stack)
        place = results_place(f"{stem}_gradcam", source.stack)
        request = ExplainRequest(stack, frame, class_name, place, stem, source.chain, settings)
        return Plan(
            stem,
            place,
            lambda out, beside: explain_words(
                replace(request, folder=out), bundle, chain=beside / chain_name(stem, source.chain)
            ),
            needs=chain_need(stem, source.chain),
            notes=(_ADDED_LAYERS,),
        )

    return plan


def video_plan(
    image: Layer | None,
    labels: Layer | None,
    truth: Layer | None,
    experiment: Experiment,
    *,
    frames: str,
    settings: VideoSettings,
) -> MakePlan:
    """``amseg video`` in the contrast of the image layer."""
    if image is None:
        raise ValueError(NO_STACK)
    if labels is None:
        raise ValueError("Segment the stack or open labels first.")
    source, stem = image_source(image), safe_stem(image.name)
    low, high = (float(v) for v in image.contrast_limits)

    def plan() -> Plan:
        from napari_amseg.pipeline.video import VideoRequest

        opened = as_command_opens(replace(source.stack, experiment=experiment))
        place = results_place(f"{stem}.mp4", source.stack)
        shown = replace(source.processed(), experiment=experiment, opened_as=opened.address)
        masks = labels_input(labels, experiment)
        true = None if truth is None else labels_input(truth, experiment)
        if true is not None and true.file_name and true.file_name == masks.file_name:
            raise ValueError(f"both label layers would be saved as {true.file_name}: rename one.")

        def words(out: Path, beside: Path) -> Words:
            request = VideoRequest(
                shown,
                masks.at(beside),
                out,
                None if true is None else true.at(beside),
                masks.scheme,
                frames=frames,
                limits=(low, high),
                settings=settings,
            )
            chain = beside / chain_name(stem, source.chain) if source.chain.steps else None
            return video_words(request, chain=chain)

        needs = chain_need(stem, source.chain) | _needs(masks) | _needs(true)
        notes = () if codes_as_drawn(masks.scheme) else (_OTHER_LOOKS,)
        return Plan(stem, place, words, into_file=True, needs=needs, notes=notes)

    return plan


def _needs(labels: LabelsInput | None) -> dict[str, Writer]:
    return {} if labels is None else dict(labels.needs)
