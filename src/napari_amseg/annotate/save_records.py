"""What is saved to a benchmark, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.annotation import Status
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
    base_sha256 : of the label file these labels replace, as it was loaded or last saved; None
    where there was none. A person who chooses to replace what another saved gives
    `Conflict.sha256`.
    """

    t: int
    name: str
    labels: NDArray[np.uint8]
    status: Status
    base_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A frame that was saved. sha256 : of its label file, the base of the next save.

    image_replaced : whether there was another image of this name.
    """

    t: int
    name: str
    sha256: str
    image_replaced: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """A frame that was not saved: its label file is none that this session loaded or saved.

    sha256 : of that file. row : who saved it and when, as far as the benchmark says.
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
        return f"{self.name}: {self.row.annotator} saved it at {self.row.saved} ({self.row.status})"
