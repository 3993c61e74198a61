"""What watching a folder takes and what it tells: small frozen records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure import MeasureSettings
from napari_amseg.preprocess import Chain
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
from napari_amseg.settings import Settings, setting
from napari_amseg.types import Experiment, Frame


@dataclass(frozen=True, slots=True)
class WatchSettings(Settings):
    """When to look, and when a stack counts as complete."""

    settle: float = setting(
        5.0, low=0.1, unit="s", help="A stack that has not changed for so long is complete."
    )
    poll: float = setting(0.5, low=0.02, high=60, unit="s", help="Time between two looks.")
    first_frames: int = setting(
        20,
        low=1,
        unit="frames",
        help="A stack that grows is followed from so many frames on; its grey limits are theirs.",
    )


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """A folder to watch and what to do with the stacks in it.

    Attributes
    ----------
    folder : where they appear, sub-folders included. out : where results go, ``out/<stem>_*``.
    chain : the user's preprocessing, before the model's own.
    pixel_size_um, frame_rate_hz, scan_speed_mm_s : of all stacks; None: as the files say.
    until_idle_s : end when everything is done and nothing came for so long; None: never.
    """

    folder: Path
    out: Path
    chain: Chain = field(default_factory=Chain)
    segment: SegmentSettings = field(default_factory=SegmentSettings)
    maps: MapSettings = field(default_factory=MapSettings)
    post: PostSettings = field(default_factory=PostSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    pixel_size_um: float | None = None
    frame_rate_hz: float | None = None
    scan_speed_mm_s: float | None = None
    until_idle_s: float | None = None

    def known(self) -> dict[str, float | None]:
        """What was said of all stacks, by the names of an Experiment."""
        names = ("pixel_size_um", "frame_rate_hz", "scan_speed_mm_s")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class StackFound:
    """Work on a stack begins. stem : of its results. source : its file, or pattern of its files.

    growing : it is followed while it is written; its rows are provisional.
    """

    stem: str
    source: str
    growing: bool


@dataclass(frozen=True, slots=True)
class FrameMeasured:
    """A frame is done.

    Attributes
    ----------
    n_frames : of the stack, so far. labels : uint8 (Y, X). row, pores : of its tables.
    raw : reads the frame as it is in the file, (Y, X); works until the next event is asked for.
    provisional : measured with the grey limits of the first frames; it will be done again.
    experiment : pixel size and frame rate the row was measured with.
    """

    stem: str
    frame: int
    n_frames: int
    labels: NDArray[np.uint8]
    row: dict[str, Any]
    pores: list[dict[str, Any]]
    raw: Callable[[], Frame]
    provisional: bool
    experiment: Experiment


@dataclass(frozen=True, slots=True)
class StackDone:
    """All result files of a stack are there. record : the content of its ``_run.json``.

    files : of the stack. seconds : since work on its final results began.
    """

    stem: str
    n_frames: int
    seconds: float
    record: dict[str, Any]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StackKnown:
    """A stack has its results already. note : what is different from what is asked for now."""

    stem: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class StackFailed:
    """A stack could not be done; it is tried again when it changes."""

    stem: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth knowing about a stack, or about the folder."""

    stem: str
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing to do now. unfinished : stems of stacks that are still being written."""

    unfinished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchedFrame:
    """A :class:`FrameMeasured` on its way to another process.

    image, labels : the raw frame and its labels, (Y, X); None of frames too quick to be looked at.
    """

    stem: str
    frame: int
    n_frames: int
    row: dict[str, Any]
    pores: list[dict[str, Any]]
    provisional: bool
    experiment: Experiment
    image: Frame | None = None
    labels: NDArray[np.uint8] | None = None


_Told = StackFound | StackDone | StackKnown | StackFailed | Remark | Waiting
WatchEvent = FrameMeasured | _Told
WatchAnswer = WatchedFrame | _Told
