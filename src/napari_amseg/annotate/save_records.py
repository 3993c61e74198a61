"""What is saved to a benchmark, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.owner import local_time
from napari_amseg.dataset.annotation_status import FrameStatus
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Experiment


@dataclass(frozen=True, slots=True)
class SaveTarget:
    """Where frames are saved, and by whom.

    folder : of the benchmark; made if it is not there. experiment : named. scheme : what the codes
    mean. annotator : the person. kept_in : where the work is as long as it cannot be saved.
    """

    folder: Path
    experiment: Experiment
    scheme: LabelScheme
    annotator: str
    kept_in: Path | None = None


@dataclass(frozen=True, slots=True)
class FrameToSave:
    """One frame to save.

    t : its number in the stack of images. name : in the benchmark. labels : uint8 (Y, X), a copy.
    base_sha256 : of the label file these labels replace, as it was loaded or last saved, with
    whether it was complete, as `.load.version` tells it; None where there was none. A person who
    chooses to replace what another saved gives `Conflict.sha256`. by_hand : bool (Y, X), pixels a
    person painted, a copy; None if not known.
    """

    t: int
    name: str
    labels: NDArray[np.uint8]
    status: Status
    base_sha256: str | None = None
    by_hand: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A frame that was saved. sha256 : the base of the next save, as `.load.version` tells it."""

    t: int
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A frame that was not saved: its label file is none that this session loaded or saved, or
    somebody else has called it complete since.

    sha256 : of that file, as `.load.version` tells it. row : who saved it and when, as far as the
    benchmark says.
    """

    t: int
    name: str
    sha256: str
    row: FrameStatus | None

    @property
    def words(self) -> str:
        """For people."""
        if self.row is None:
            return f"{self.name}: labels are there that were not opened here"
        at, status = local_time(self.row.saved), self.row.status
        return f"{self.name}: {self.row.annotator} saved it at {at} ({status})"
