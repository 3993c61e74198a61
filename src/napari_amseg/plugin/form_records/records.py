"""What the forms of the steps hold, as records: layers by name, models and stacks by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.measure import MeasureSettings
from napari_amseg.preprocess import Chain
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
from napari_amseg.train import TrainSettings
from napari_amseg.types import Experiment


@dataclass(frozen=True, slots=True)
class LoadForm:
    """Of *Load stack*."""

    stack: str = ""
    experiment: Experiment = field(default_factory=Experiment)


@dataclass(frozen=True, slots=True)
class PreprocessForm:
    """Of *Preprocess*: the layer, the steps that are on."""

    image: str | None = None
    chain: Chain = field(default_factory=Chain)
    live: bool = True


@dataclass(frozen=True, slots=True)
class SegmentForm:
    """Of *Segment*; its model stands beside the forms."""

    image: str | None = None
    settings: SegmentSettings = field(default_factory=SegmentSettings)
    maps: MapSettings = field(default_factory=MapSettings)
    post: PostSettings = field(default_factory=PostSettings)


@dataclass(frozen=True, slots=True)
class MeasureForm:
    """Of *Measure*. within : the range if it was chosen by hand, first and last frame."""

    labels: str | None = None
    compare: str | None = None
    experiment: Experiment = field(default_factory=Experiment)
    settings: MeasureSettings = field(default_factory=MeasureSettings)
    within: tuple[int, int] | None = None
    quantities: tuple[str, ...] = ()
    quantity: str | None = None

    def __post_init__(self) -> None:
        if self.within is not None and not 0 <= self.within[0] <= self.within[1]:
            raise ValueError(f"the range {self.within} is none.")


@dataclass(frozen=True, slots=True)
class TrainForm:
    """Of *Train*. benchmark : its folder, if it learns from one. folder : for the model.

    init : folder of the model it starts from; None for a new network of this `architecture`.
    """

    image: str | None = None
    labels: str | None = None
    benchmark: str | None = None
    split: str | None = None
    architecture: str = "amsegnet"
    small: bool = True
    init: str | None = None
    freeze_encoder: bool = False
    settings: TrainSettings = field(default_factory=TrainSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Forms:
    """Of every step whose dock was open; None of the others.

    incomplete : by step, why what its form held could not be kept.
    """

    load: LoadForm | None = None
    preprocess: PreprocessForm | None = None
    segment: SegmentForm | None = None
    measure: MeasureForm | None = None
    train: TrainForm | None = None
    incomplete: Mapping[str, str] = field(default_factory=dict)
