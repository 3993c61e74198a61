"""The commands behind *Train*, *Correlate* and *Watch folder*, which begin with a folder or table.

A function takes what a widget holds now and gives a task, for a thread, that makes the plan.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_amseg.pipeline.command_line import correlate_words, train_words, watch_words
from napari_amseg.plugin.command.plan import MakePlan, Plan, chain_name, chain_need

if TYPE_CHECKING:
    from napari_amseg.models import Bundle
    from napari_amseg.pipeline.correlate import CorrelateSettings
    from napari_amseg.pipeline.watch.events import WatchRequest
    from napari_amseg.train import TrainRequest

_NO_BENCHMARK = (
    "The frames to learn from are layers of this viewer, and amseg train reads a benchmark "
    "folder: save the annotation to one (Annotate > Save, or amseg dataset add) and choose it "
    "under 'learn from'."
)


def train_plan(request: TrainRequest | None, place: Path) -> MakePlan:
    """``amseg train``. request : None if the frames are layers."""
    if request is None:
        raise ValueError(_NO_BENCHMARK)
    return lambda: Plan(
        request.benchmark.name,
        place,
        lambda out, beside: train_words(replace(request, folder=out)),
    )


def correlate_plan(campaign: str, settings: CorrelateSettings) -> MakePlan:
    """``amseg correlate``."""
    if not campaign:
        raise ValueError("Choose a campaign first.")
    path = Path(campaign).expanduser().absolute()
    return lambda: Plan(
        "campaign",
        path.parent / f"{path.stem}_correlated",
        lambda out, beside: correlate_words(campaign, out, settings),
    )


def watch_plan(request: WatchRequest, bundle: Bundle) -> MakePlan:
    """``amseg watch``."""
    stem = "watch"
    return lambda: Plan(
        stem,
        request.out.absolute(),
        lambda out, beside: watch_words(
            replace(request, out=out), bundle, chain=beside / chain_name(stem, request.chain)
        ),
        needs=chain_need(stem, request.chain),
    )
