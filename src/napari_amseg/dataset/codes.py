"""Which codes a label image holds, and what they mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.names import first_few
from napari_amseg.labels import LabelScheme
from napari_amseg.types import Frame, Stack


def code_counts(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Pixels of each code 0..255 in a label image (Y, X) of integers, int64 (256,).

    Raises
    ------
    ValueError
        If pixels are no integers, or outside 0..255.
    """
    if labels.dtype.kind not in "ui":
        raise ValueError(f"labels are {labels.dtype}, expected uint8 codes; save them as 8 bit.")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > 255:
        raise ValueError(f"labels run from {low} to {high}, expected codes within 0..255.")
    return np.bincount(labels.ravel(), minlength=256)


def unknown_codes(counts: NDArray[np.int64], scheme: LabelScheme) -> str:
    """The codes outside a scheme in words, with what the scheme has; empty if there are none."""
    strange = [int(c) for c in np.flatnonzero(counts) if c not in (0, *scheme.codes)]
    if not strange:
        return ""
    found = first_few([f"code {c} ({counts[c]:,} pixels)" for c in strange], 5)
    return f"{found}; the scheme has {', '.join(f'{c.code} {c.name}' for c in scheme.classes)}"


def recoded(labels: Stack, given: LabelScheme, scheme: LabelScheme) -> Stack:
    """Label images of another scheme with the codes of `scheme`, class by class of one role.

    Raises
    ------
    ValueError
        If `scheme` lacks a role of `given`; on reading, if a pixel has a code of neither.
    """
    table = np.zeros(256, np.uint8)
    for c in given.classes:
        code = scheme.code_of(c.role)
        if code is None:
            raise ValueError(
                f"codes name {c.role!r}, but the benchmark has {', '.join(scheme.names)}."
            )
        table[c.code] = code

    def read(t: int) -> Frame:
        frame = labels.read(t)
        try:
            strange = unknown_codes(code_counts(frame), given)
        except ValueError as error:
            raise ValueError(f"labels, frame {t}: {error}") from None
        if strange:
            raise ValueError(f"labels, frame {t}: {strange}. Name every code that occurs.")
        return table[frame]

    return labels.derived(read, dtype=np.uint8, note="label codes translated")
