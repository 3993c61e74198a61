"""Networks compared on one split of a benchmark: each trained and tested several times."""

from napari_amseg.compare.events import (
    CompareEvent,
    CompareFinished,
    CompareStarted,
    RunFailed,
    RunFinished,
    RunStarted,
    ScoringStarted,
)
from napari_amseg.compare.plan import CompareRequest, Plan, Run
from napari_amseg.compare.settings import CompareSettings

__all__ = [
    "CompareEvent",
    "CompareFinished",
    "CompareRequest",
    "CompareSettings",
    "CompareStarted",
    "Plan",
    "Run",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "ScoringStarted",
]
