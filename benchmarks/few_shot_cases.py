"""The real stacks of `few_shot.py`, and the model that casting starts from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from accuracy import Labels, titanium_plate

from napari_amseg.dataset.codes import recoded
from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.models import Bundle, load_bundle
from napari_amseg.models.bundle import CARD, save_bundle
from napari_amseg.preprocess import Chain, Invert
from napari_amseg.types import Stack

N_TEST = 3
CASTING = LabelScheme.parse("pore=2,substrate=4")  # metal around the pores: theirs is background


@dataclass(frozen=True)
class Case:
    """A stack whose last frames test, and how it is trained on.

    truth : uint8 (T, Y, X), default codes. cavity : the class of interest.
    crop : rows, columns; 0 is all. paper : the paper's prediction, as `truth`.
    """

    name: str
    stack: Stack
    truth: Labels
    cavity: str
    crop: tuple[int, int]
    batch_size: int
    is_casting: bool = False
    paper: Labels | None = None

    @property
    def n_pool(self) -> int:
        """Frames there are to train on: 0 to n_pool - 1."""
        return len(self.stack) - N_TEST

    @property
    def test(self) -> range:
        return range(self.n_pool, len(self.stack))


def cases(data: Path) -> Iterator[Case]:
    plate, truth = titanium_plate(data)
    yield Case("ti64_plate", plate, truth, "keyhole", crop=(0, 256), batch_size=4)
    truth, paper = (
        np.stack(list(recoded(read_stack(data / "hpdc" / name), CASTING, DEFAULT_SCHEME)))
        for name in ("labels.tif", "paper_prediction.tif")
    )
    casting = read_stack(data / "hpdc" / "images.tif")
    yield Case("hpdc", casting, truth, "pore", (192, 192), 8, is_casting=True, paper=paper)


def inverting(bundle: Bundle, folder: Path) -> Bundle:
    """A copy of a bundle that mirrors the grey values of a stack before anything else."""
    if (folder / CARD).exists():
        return load_bundle(folder)
    card = replace(bundle.card, chain=Chain((Invert(),)) + bundle.card.chain)
    return save_bundle(folder, bundle.model, card)
