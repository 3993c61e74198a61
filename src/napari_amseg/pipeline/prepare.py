"""Bring a stack into a model's input range, and remember with which numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from napari_amseg.models import Bundle
from napari_amseg.models.registry import architecture
from napari_amseg.preprocess import Chain, unused_flats
from napari_amseg.types import Stack

# Cells of a network's coarsest map along the longer side; along the shorter it is more than one.
# Measured with `fast`, of cells of 32 px, around the keyhole of a titanium plate: IoU 0.00 in
# squares of 32 px, 0.72 of 48, 0.92 of 64, as in strips of 48 x 1024; of 32 the plate is lost.
_FEWEST_CELLS = 2


@dataclass(frozen=True, slots=True)
class Prepared:
    """A stack ready for a model.

    Attributes
    ----------
    stack : float32 (T, Y, X) in the model's input range.
    chain : the user's preprocessing, statistics written in.
    model : name, hash and input mapping of the model, the latter with its statistics, for records.
    """

    stack: Stack
    chain: Chain
    model: dict[str, Any]


def prepare(stack: Stack, chain: Chain, bundle: Bundle) -> Prepared:
    """Apply the user's chain, then the model's own input mapping.

    Raises
    ------
    ValueError
        If a step does not fit the stack.
    """
    unused = unused_flats(stack, chain)
    chain, corrected = chain.fit_apply(stack)
    corrected = replace(
        corrected, notes=(*corrected.notes, *unused, *_size_notes(corrected, bundle))
    )
    to_input, ready = bundle.card.chain.fit_apply(corrected)
    model = {
        "name": bundle.name,
        "sha256": bundle.weights_sha256,
        "input": to_input.to_json(),
    }
    return Prepared(ready, chain, model)


def _size_notes(stack: Stack, bundle: Bundle) -> tuple[str, ...]:
    """A remark on frames that are too small for the network to see what surrounds a pixel."""
    cell = architecture(bundle.card.architecture).multiple
    rows, columns = stack.frame_shape
    if min(rows, columns) > cell and max(rows, columns) >= _FEWEST_CELLS * cell:
        return ()
    return (
        f"frames of {rows}x{columns} px are too small for {bundle.name}: it sees little beside the "
        f"mirrored border. Do not trust the masks; use crops of {_FEWEST_CELLS * cell} px a side "
        "or more.",
    )
