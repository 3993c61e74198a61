"""Which frame to correct next: where a model is most likely wrong, and what is new to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.violations import (
    FrameShape,
    Violation,
    changes_in_time,
    frame_shape,
    frame_violations,
)
from napari_amseg.labels import LabelScheme

# Where nothing is known to be wrong, distance alone decides.
_LEAST_SCORE = 0.02
# Of the mean distance between frames corrected evenly: nearer ones teach the same.
_ALIKE = 0.25
_LEAST_ALIKE_FRAMES = 1.5
# The entropy of this share of all frames counts as the highest; single ones are outliers.
_HIGH_ENTROPY_PERCENT = 95
_SHARE_OF_ENTROPY = 0.5
_NEW = 0.9


@dataclass(frozen=True, slots=True)
class FrameRemarks:
    """What speaks for correcting a frame.

    Attributes
    ----------
    frame : its number. violations : of this frame by itself. shape : to compare with others.
    uncertainty : of the model, 0 to 1, one minus the IoU to be expected; None if no model ran.
    entropy_bit : mean a pixel, from the confidence map; None without one.
    """

    frame: int
    violations: tuple[Violation, ...] = ()
    shape: FrameShape = field(default_factory=FrameShape)
    uncertainty: float | None = None
    entropy_bit: float | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """A frame worth correcting.

    score : 0 to 1, the higher the better; it counts with those before it in the list corrected.
    reasons : in words, the most important first.
    """

    frame: int
    score: float
    reasons: tuple[str, ...]


def frame_remarks(
    frame: int,
    labels: NDArray[np.uint8],
    scheme: LabelScheme,
    *,
    uncertainty: float | None = None,
    confidence: NDArray[np.uint8] | None = None,
) -> FrameRemarks:
    """Look at one frame; a few milliseconds, so as frames come.

    Parameters
    ----------
    labels : uint8 (Y, X), as the model left them. scheme : what the codes mean.
    uncertainty : the column of that name of the frame's row.
    confidence : uint8 (Y, X), probability of the chosen class times 255.

    Raises
    ------
    ValueError
        As :func:`.quality.frame_findings`.
    """
    return FrameRemarks(
        frame,
        frame_violations(labels, scheme),
        frame_shape(labels, scheme),
        uncertainty,
        None if confidence is None else mean_entropy_bit(confidence),
    )


def mean_entropy_bit(confidence: NDArray[np.uint8]) -> float:
    """The least entropy that a confidence map (Y, X) allows, mean in bits a pixel.

    With p the greatest probability, the rest is in one class at best: -p log p - (1-p) log (1-p);
    below one half there are more than two, and it is -log p at least.
    """
    p = np.clip(np.arange(256) / 255, 1 / 255, 1)
    rest = np.maximum(1 - p, 1e-12)
    two = -p * np.log2(p) - rest * np.log2(rest)
    entropy = np.where(p >= 0.5, two, -np.log2(p))
    return float(np.bincount(confidence.ravel(), minlength=256) @ entropy / confidence.size)


def rank_frames(
    remarks: Sequence[FrameRemarks], *, corrected: Collection[int] = (), most: int = 50
) -> list[Advice]:
    """The frames to correct next, best first.

    A frame is worth the chance that something in it is wrong, 1 - (1 - u)(1 - e)(1 - v)...: of its
    uncertainty u, its entropy e relative to the other frames, and the weight v of each violation,
    times the share of frames without it: what is wrong in all frames prefers none. This is
    multiplied by 1 - exp(-(d/s)²), d the distance in frames to the next one that is corrected or
    advised already and s a quarter of the distance that so many have on average, or a frame and a
    half, because neighbours look alike. Ties go to the frame farthest from all others, then to the
    earlier one.

    Parameters
    ----------
    remarks : one a frame, in any order; frames without are not advised.
    corrected : frames that are done; they are left out.
    most : length of the list.
    """
    remarks = sorted(remarks, key=lambda remark: remark.frame)
    if not remarks:
        return []
    frames = np.array([remark.frame for remark in remarks])
    in_time = changes_in_time(frames.tolist(), [remark.shape for remark in remarks])
    violations = [remark.violations + in_time.get(remark.frame, ()) for remark in remarks]
    worth = _worth(remarks, violations)
    chosen, near = list(corrected), _distances(frames, corrected)
    open_ = ~np.isin(frames, chosen)
    span = max(float(np.ptp(frames)) + 1, 1.0)
    advice = []
    for _ in range(min(most, int(open_.sum()))):
        scale = max(_ALIKE * span / (len(chosen) + 1), _LEAST_ALIKE_FRAMES)
        new = 1 - np.exp(-((near / scale) ** 2))
        score = np.where(open_, worth * new + 1e-9 * np.minimum(near, span), -1.0)
        k = int(score.argmax())
        reasons = _reasons(remarks[k], violations[k], float(new[k]), bool(chosen))
        advice.append(Advice(int(frames[k]), float(worth[k] * new[k]), reasons))
        open_[k] = False
        chosen.append(int(frames[k]))
        near = np.minimum(near, np.abs(frames - frames[k]))
    return advice


def _distances(frames: NDArray[np.intp], corrected: Collection[int]) -> NDArray[np.float64]:
    """Distance of each frame to the nearest corrected one, infinite without any."""
    near = np.full(len(frames), np.inf)
    if corrected:
        done = np.sort(list(corrected))
        at = np.searchsorted(done, frames)
        for neighbour in (np.maximum(at - 1, 0), np.minimum(at, len(done) - 1)):
            near = np.minimum(near, np.abs(frames - done[neighbour]))
    return near


def _worth(
    remarks: Sequence[FrameRemarks], violations: Sequence[tuple[Violation, ...]]
) -> NDArray[np.float64]:
    """Chance that something is wrong in each frame, 0 to 1."""
    right = np.array([1 - _within(remark.uncertainty) for remark in remarks])
    entropy = np.array([remark.entropy_bit or 0.0 for remark in remarks])
    low, high = np.percentile(entropy, [0, _HIGH_ENTROPY_PERCENT])
    if high > low:
        right *= 1 - _SHARE_OF_ENTROPY * np.clip((entropy - low) / (high - low), 0, 1)
    frames_with = Counter(kind for here in violations for kind in {v.kind for v in here})
    for k, here in enumerate(violations):
        for violation in here:
            rare = 1 - frames_with[violation.kind] / len(remarks)
            right[k] *= 1 - violation.weight * rare
    worth: NDArray[np.float64] = np.maximum(1 - right, _LEAST_SCORE)
    return worth


def _within(uncertainty: float | None) -> float:
    return 0.0 if uncertainty is None else min(max(float(uncertainty), 0.0), 1.0)


def _reasons(
    remark: FrameRemarks, violations: Sequence[Violation], new: float, any_chosen: bool
) -> tuple[str, ...]:
    weighted = [(v.weight, v.reason) for v in violations]
    if remark.uncertainty is not None:
        unsure = _within(remark.uncertainty)
        weighted.append((unsure, f"the model expects an IoU of {1 - unsure:.2f}"))
    elif remark.entropy_bit is not None:
        weighted.append((0.0, f"{remark.entropy_bit:.3f} bit of doubt a pixel"))
    reasons = [reason for _, reason in sorted(weighted, key=lambda pair: -pair[0])]
    if any_chosen and new > _NEW:
        reasons.append("nothing near it is corrected")
    return tuple(reasons)
