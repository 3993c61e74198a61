"""Training: settings, requests and events; the loop itself is imported when needed."""

from napari_amseg.train.events import EpochDone, StepDone, TrainEvent, TrainFinished, TrainStarted
from napari_amseg.train.request import TrainRequest
from napari_amseg.train.settings import TrainSettings

__all__ = [
    "EpochDone",
    "StepDone",
    "TrainEvent",
    "TrainFinished",
    "TrainRequest",
    "TrainSettings",
    "TrainStarted",
]
