"""What physics forbids, or time makes unlikely, in the masks of a model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from napari_amseg.annotate.quality import frame_findings
from napari_amseg.labels import LabelScheme

Labels = NDArray[np.uint8]

# How likely a finding means that the mask is wrong. What people may well leave so, or what is not
# the model's doing, is not here.
_WEIGHT_OF_FINDING = {
    "keyhole-closed": 0.5,
    "pore-above-surface": 0.4,
    "substrate-above-background": 0.2,
    "keyhole-parts": 0.3,
}
_WEIGHT_OF_JUMP, _WEIGHT_OF_CHANGE = 0.5, 0.5
_WINDOW_FRAMES = 9
_FEWEST_FRAMES = 5
_JUMP_SIGMAS, _LEAST_JUMP_PX = 4.0, 4.0
_SIGMA_OF_MAD = 1.4826
_LEAST_CLASS_PX, _GONE = 50, 0.1


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that cannot be, or hardly, in one frame.

    kind : a short name. weight : 0 to 1, how likely the mask is wrong. reason : in words.
    """

    kind: str
    weight: float
    reason: str


@dataclass(frozen=True, slots=True)
class FrameShape:
    """What the masks of one frame say to those of its neighbours.

    class_px : pixels by name of class, pores left out, since they come and go.
    keyhole_bottom_row : its deepest row, None without a keyhole. keyhole : name of that class.
    """

    class_px: Mapping[str, int] = field(default_factory=dict)
    keyhole_bottom_row: int | None = None
    keyhole: str = "keyhole"


def frame_violations(labels: Labels, scheme: LabelScheme) -> tuple[Violation, ...]:
    """What cannot be in one frame, by itself.

    A keyhole that does not reach the surface or is in pieces, a pore above the surface, background
    below the substrate's edge. A scheme without these classes is asked nothing.

    Parameters
    ----------
    labels : uint8 (Y, X). scheme : what the codes mean.

    Raises
    ------
    ValueError
        As :func:`.quality.frame_findings`.
    """
    return tuple(
        Violation(found.kind, _WEIGHT_OF_FINDING[found.kind], found.message)
        for found in frame_findings(labels, scheme)
        if found.kind in _WEIGHT_OF_FINDING
    )


def frame_shape(labels: Labels, scheme: LabelScheme) -> FrameShape:
    """Sizes of the classes of a frame (Y, X) and the depth its keyhole reaches."""
    counts = np.bincount(labels.ravel(), minlength=256)
    class_px = {c.name: int(counts[c.code]) for c in scheme.classes if c.role != "pore"}
    rows = np.flatnonzero(scheme.mask(labels, "keyhole").any(axis=1))
    name = next((c.name for c in scheme.classes if c.role == "keyhole"), "keyhole")
    return FrameShape(class_px, int(rows[-1]) if rows.size else None, name)


def changes_in_time(
    frames: Sequence[int], shapes: Sequence[FrameShape]
) -> dict[int, tuple[Violation, ...]]:
    """What one frame shows and its neighbours do not, by frame.

    A keyhole that reaches deeper or less deep than the running median by more than four standard
    deviations (from the median absolute deviation of the whole stack) and 4 px; a class that is
    gone, or a keyhole that is there, in less than half of the frames around. Fewer than five frames
    tell nothing.

    Parameters
    ----------
    frames : ascending, not necessarily all of the stack. shapes : of the same frames.
    """
    found: dict[int, list[Violation]] = defaultdict(list)
    for place, violation in (*_jumps(shapes), *_class_changes(shapes)):
        found[frames[place]].append(violation)
    return {frame: tuple(violations) for frame, violations in found.items()}


def _jumps(shapes: Sequence[FrameShape]) -> Iterator[tuple[int, Violation]]:
    places = [i for i, shape in enumerate(shapes) if shape.keyhole_bottom_row is not None]
    if len(places) < _FEWEST_FRAMES:
        return
    rows = np.array([shapes[i].keyhole_bottom_row for i in places], np.float64)
    off = rows - _running_median(rows)
    sigma = _SIGMA_OF_MAD * float(np.median(np.abs(off)))
    for k in np.flatnonzero(np.abs(off) > max(_LEAST_JUMP_PX, _JUMP_SIGMAS * sigma)):
        way = "deeper" if off[k] > 0 else "less deep"
        reason = f"the keyhole reaches {abs(off[k]):.0f} px {way} than in the frames around"
        yield places[k], Violation("depth-jump", _WEIGHT_OF_JUMP, reason)


def _class_changes(shapes: Sequence[FrameShape]) -> Iterator[tuple[int, Violation]]:
    if len(shapes) < _FEWEST_FRAMES:
        return
    for name in sorted({name for shape in shapes for name in shape.class_px}):
        here = np.array([shape.class_px.get(name, 0) for shape in shapes], np.float64)
        around = _running_median(here)
        gone = (around >= _LEAST_CLASS_PX) & (here < _GONE * around)
        for k in np.flatnonzero(gone):
            reason = f"{name} is gone, though it is in the frames around"
            yield int(k), Violation("class-gone", _WEIGHT_OF_CHANGE, reason)
        if name != shapes[0].keyhole:
            continue
        for k in np.flatnonzero((here >= _LEAST_CLASS_PX) & (around < _GONE * here)):
            reason = f"{name} is here, but not in the frames around"
            yield int(k), Violation("class-appears", _WEIGHT_OF_CHANGE, reason)


def _running_median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    median: NDArray[np.float64] = median_filter(values, _WINDOW_FRAMES, mode="nearest")
    return median
