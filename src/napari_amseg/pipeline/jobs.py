"""What napari and the compute process say to each other: small frozen records, pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_amseg.explain import ExplainSettings
from napari_amseg.measure import MeasureSettings
from napari_amseg.pipeline.watch.events import WatchAnswer, WatchRequest
from napari_amseg.segment import PostSettings, SegmentSettings
from napari_amseg.train import TrainEvent, TrainFinished, TrainRequest
from napari_amseg.types import Experiment

# ---- to the compute process


@dataclass(frozen=True, slots=True)
class Prepare:
    """Load a model ahead of its first job.

    bundle : folder. engine, precision : as in SegmentSettings. frame_shape : (Y, X) to try it on,
    or None. confidence : whether it is to give that map.
    """

    bundle: str
    engine: str = "auto"
    precision: str = "auto"
    frame_shape: tuple[int, int] | None = None
    confidence: bool = False


@dataclass(frozen=True, slots=True)
class SegmentJob:
    """A stack to segment and measure.

    Attributes
    ----------
    files : opened again by ``read_stack``; empty if the frames are in `array`.
    array : an ``.npy`` file (T, Y, X), or None.
    chain : the user's preprocessing as JSON, before the model's own.
    bundle : folder of the model.
    order : frames to do; the mask of the first comes at once.
    out : an ``.npy`` file, uint8 (T, Y, X) of the preprocessed stack's shape, to write labels into.
    confidence : the same for the confidence, or None.
    """

    files: tuple[str, ...]
    array: str | None
    experiment: Experiment
    chain: Mapping[str, Any]
    bundle: str
    order: tuple[int, ...]
    out: str
    confidence: str | None = None
    settings: SegmentSettings = field(default_factory=SegmentSettings)
    post: PostSettings = field(default_factory=PostSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)


@dataclass(frozen=True, slots=True)
class ListLayers:
    """Which layers of a model can be explained. bundle : folder."""

    bundle: str


@dataclass(frozen=True, slots=True)
class ExplainJob:
    """A frame to explain.

    Attributes
    ----------
    frame : an ``.npy`` file, float32 (Y, X), in the input range of the model.
    bundle : folder of the model. class_name : of its classes.
    out : an ``.npy`` file, float32 (Y, X), to write the heat map into.
    """

    frame: str
    bundle: str
    class_name: str
    out: str
    settings: ExplainSettings = field(default_factory=ExplainSettings)


@dataclass(frozen=True, slots=True)
class WatchJob:
    """A folder to watch until cancelled. bundle : folder of the model."""

    request: WatchRequest
    bundle: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the job at hand after its current batch."""


Request = Prepare | SegmentJob | ListLayers | ExplainJob | TrainRequest | WatchJob

# ---- from the compute process


@dataclass(frozen=True, slots=True)
class Prepared:
    """The model is loaded: which engine computes it, where."""

    engine: str
    device: str


@dataclass(frozen=True, slots=True)
class Doing:
    """What a segmentation is at before its first frame, for people: ``loading the model``."""

    what: str


@dataclass(frozen=True, slots=True)
class Started:
    """Frames follow. notes : remarks of the preprocessing."""

    engine: str
    device: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Labels of the frame looked at are in the shared file, for now; it will be done again."""

    frame: int


@dataclass(frozen=True, slots=True)
class FrameDone:
    """The labels of a frame are in the shared file; its table row and its pores' rows."""

    frame: int
    row: dict[str, Any]
    pores: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class LayerNames:
    """Layers of a model in the order of the network, and the one taken if none is named."""

    names: tuple[str, ...]
    default: str


@dataclass(frozen=True, slots=True)
class Explained:
    """The heat map is in its file: of which layer, for the score of which and how many pixels."""

    layer: str
    pixels: str
    n_pixels: int
    device: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a job. seconds : by stage. chain, model : what was applied, for the run record;
    None if cancelled before that was known.
    """

    cancelled: bool
    seconds: dict[str, float] = field(default_factory=dict)
    chain: dict[str, Any] | None = None
    model: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The request could not be done. message : one line for people. details : traceback or log."""

    message: str
    details: str = ""


Answer = (
    Prepared
    | Doing
    | Started
    | Glimpse
    | FrameDone
    | LayerNames
    | Explained
    | TrainEvent
    | WatchAnswer
    | Finished
    | Failed
)
LAST_ANSWERS = (Prepared, LayerNames, Explained, TrainFinished, Finished, Failed)
