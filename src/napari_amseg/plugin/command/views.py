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
from napari_amseg.pipeline.command_parts import Words
from napari_amseg.plugin.command.inputs import LabelsInput, labels_input
from napari_amseg.plugin.command.plan import (
    MakePlan,
    Plan,
    Writer,
    chain_name,
    chain_need,
    check_opens_alike,
    place_beside,
)
from napari_amseg.plugin.command.results import NO_STACK
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.layers import image_source

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_amseg.explain import ExplainSettings
    from napari_amseg.models import Bundle
    from napari_amseg.pipeline.laser_frame import LaserRequest
    from napari_amseg.report.video import VideoSettings
    from napari_amseg.types import Experiment

_ADDED_LAYERS = "The widget adds layers; the command writes the same to files."


def laser_plan(request: LaserRequest, labels: Layer | None) -> MakePlan:
    """``amseg laser``. request : all but where the files go and the labels."""
    stack, stem, chain = request.stack, request.stem, request.chain

    def plan() -> Plan:
        place = place_beside(stack, f"{stem}_laser")
        check_opens_alike(stack)
        masks = None if labels is None else labels_input(labels)

        def words(out: Path, beside: Path) -> Words:
            with_labels = request
            if masks is not None:
                with_labels = replace(request, labels=masks.at(beside), scheme=masks.scheme)
            return laser_words(replace(with_labels, folder=out), chain=beside / chain_name(stem))

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

        place = place_beside(source.stack, f"{stem}_gradcam")
        check_opens_alike(source.stack)
        request = ExplainRequest(
            source.stack, frame, class_name, place, stem, source.chain, settings
        )
        return Plan(
            stem,
            place,
            lambda out, beside: explain_words(
                replace(request, folder=out), bundle, chain=beside / chain_name(stem)
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

        place = place_beside(source.stack, f"{stem}.mp4")
        check_opens_alike(replace(source.stack, experiment=experiment))
        shown = replace(source.processed(), experiment=experiment)
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
                frames,
                (low, high),
                settings=settings,
            )
            chain = beside / chain_name(stem) if source.chain.steps else None
            return video_words(request, chain=chain)

        needs = chain_need(stem, source.chain) | _needs(masks) | _needs(true)
        return Plan(stem, place, words, into_file=True, needs=needs)

    return plan


def _needs(labels: LabelsInput | None) -> dict[str, Writer]:
    return {} if labels is None else dict(labels.needs)
