"""How networks are compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from napari_amseg.segment import SegmentSettings
from napari_amseg.segment.engine import ENGINES
from napari_amseg.settings import setting
from napari_amseg.train import TrainSettings

GROWING = ("repeats", "seed")  # may differ from one call to the next


@dataclass(frozen=True, slots=True)
class CompareSettings(TrainSettings):
    """How every network is trained and tested: the options of a training, except its seed.

    That is the number of the repeat, so that all networks see the same batches.
    """

    repeats: int = setting(
        3, low=1, help="Times each network is trained and tested, with the seeds 0, 1, 2 and so on."
    )
    seed: int = 0
    engine: str = setting(
        "auto", choices=ENGINES, help="What computes the test masks; auto picks and says which."
    )
    segment_batch_size: int = setting(
        8,
        low=1,
        high=256,
        unit="frames",
        help="Segmentation is timed with one frame and with this many at once.",
    )

    def training(self, seed: int) -> TrainSettings:
        """Those of one training."""
        changed = {**asdict(self), "seed": seed}
        return TrainSettings(**{f.name: changed[f.name] for f in fields(TrainSettings)})

    @property
    def segmenting(self) -> SegmentSettings:
        """Those of a segmentation of the test images."""
        return SegmentSettings(engine=self.engine, batch_size=self.segment_batch_size)

    def fixed(self) -> dict[str, Any]:
        """What must stay the same for all runs of a comparison."""
        return {name: value for name, value in asdict(self).items() if name not in GROWING}
