"""What a training learns from: the frames of a split, their pixel counts, what to say of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.dataset.benchmark import Benchmark, FrameId, open_benchmark
from napari_amseg.dataset.class_weights import LabelCounts, class_weights, count_labels
from napari_amseg.dataset.split import (
    Split,
    load_split,
    only_split,
    random_split,
    save_split,
    split_names,
)
from napari_amseg.labels import LabelScheme


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The training and validation frames of a split.

    Attributes
    ----------
    benchmark, split : what was chosen. train, validation : frames. pixels : of each class in the
        training frames. weights : of the classes in the loss.
    sha256 : of all images and labels, to notice that they changed.
    preview_frame : the validation frame that shows most, or None. notes : remarks for people.
    """

    benchmark: Benchmark
    split: Split
    train: tuple[FrameId, ...]
    validation: tuple[FrameId, ...]
    pixels: tuple[int, ...]
    weights: tuple[float, ...]
    sha256: str
    preview_frame: FrameId | None
    notes: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path, split: str | None, weighting: str) -> TrainingData:
        """Open a benchmark and count its labels.

        Raises
        ------
        ValueError
            If there is nothing to learn from; says why.
        """
        benchmark = open_benchmark(folder)
        chosen, notes = chosen_split(benchmark, split)
        train, validation = chosen.of("train"), chosen.of("validation")
        if not train:
            raise ValueError(f"split {chosen.name!r} has no training images: split again.")
        counts, held_out = count_labels(benchmark, train), count_labels(benchmark, validation)
        notes += _absent_classes(benchmark.scheme, counts, held_out)
        if validation and not held_out.total.any():
            validation = ()
            notes.append("no pixel of the validation images is labelled: they are left out.")
        if not validation:
            notes.append("no validation images: the last epoch counts as the best.")
        return cls(
            benchmark,
            chosen,
            train,
            validation,
            pixels=tuple(counts.total.tolist()),
            weights=class_weights(counts.total, weighting),
            sha256=counts.sha256 + held_out.sha256,
            preview_frame=_telling_frame(validation, held_out),
            notes=tuple(notes),
        )

    def to_json(self) -> dict[str, Any]:
        """For the record of a training."""
        names = self.benchmark.scheme.names
        return {
            "data": f"{self.benchmark.folder.resolve().name}: {len(self.train)} training "
            f"and {len(self.validation)} validation images",
            "split": {"name": self.split.name, "rule": self.split.rule, "seed": self.split.seed},
            "data_sha256": self.sha256,
            "training_pixels": dict(zip(names, self.pixels, strict=True)),
            "class_weights": dict(zip(names, self.weights, strict=True)),
        }


def chosen_split(benchmark: Benchmark, name: str | None) -> tuple[Split, list[str]]:
    """The split of this name; without a name the only one, or a new random 4:1:1 one.

    Raises
    ------
    ValueError
        If there are no labelled images, or several splits to choose from.
    """
    if not benchmark.frames:
        raise ValueError(
            f"{benchmark.folder}: the benchmark holds no image with labels: add some with "
            "'amseg dataset add'."
        )
    if name is not None or split_names(benchmark):
        split = load_split(benchmark, name or only_split(benchmark))
        return split, list(split.notes)
    split = random_split(benchmark)
    save_split(benchmark, split)
    return split, [
        f"no split yet: made {split.name!r}, {split.rule}, seed {split.seed}. Neighbouring frames "
        "may lie in different subsets; 'amseg dataset split --rule grouped' avoids that."
    ]


def _absent_classes(scheme: LabelScheme, train: LabelCounts, held_out: LabelCounts) -> list[str]:
    notes = []
    for name, learnt, tested in zip(scheme.names, train.total, held_out.total, strict=True):
        if not learnt:
            where = "; validation images have it, so scores suffer" if tested else ""
            notes.append(f"no training pixel is labelled {name}: it cannot be learnt{where}.")
    return notes


def _telling_frame(frames: tuple[FrameId, ...], counts: LabelCounts) -> FrameId | None:
    """The validation image with most classes; of those, the one with most of the rarest."""
    if not frames:
        return None
    present = counts.total > 0
    rarest = int(np.argmin(np.where(present, counts.total, np.iinfo(np.int64).max)))
    keys = [((row > 0).sum(), row[rarest]) for row in counts.pixels]
    return frames[max(range(len(frames)), key=lambda i: keys[i])]
