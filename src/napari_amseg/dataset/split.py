"""Which frames train, validate and test: the rules that say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.annotation_status import without_incomplete
from napari_amseg.dataset.benchmark import SUBSETS, Benchmark, FrameId
from napari_amseg.dataset.names import check_name, first_few
from napari_amseg.dataset.split_file import (
    Split,
    load_split,
    only_split,
    save_split,
    split_names,
)

__all__ = [
    "Split",
    "grouped_split",
    "listed_split",
    "load_split",
    "only_split",
    "random_split",
    "save_split",
    "split_names",
]

Parts = tuple[int, int, int]
_ORDERS_TRIED = 200


def random_split(
    benchmark: Benchmark,
    *,
    seed: int = 0,
    parts: Parts = (4, 1, 1),
    name: str = "random",
    incomplete: bool = False,
) -> Split:
    """Frames dealt out at random, in the AM-SegNet paper's ratio of 4:1:1.

    Neighbouring frames of one stack are nearly equal, so that this split lets test frames leak
    into the training: scores come out higher than on a new experiment. See `grouped_split`.

    parts : shares of training, validation and test. Same seed, same frames: same split.
    incomplete : deal out frames whose annotation is not complete, too; else they are noted.

    Raises
    ------
    ValueError
        If there are fewer frames than parts above 0.
    """
    check_name(name, "split name")
    benchmark, notes, record = _usable(benchmark, incomplete)
    frames = benchmark.frames
    used = _used(parts)
    if len(frames) < len(used):
        raise ValueError(
            f"{benchmark.folder}: {len(frames)} labelled frames cannot be split into {len(used)} "
            "subsets. Add frames, or set the parts not needed to 0, such as --parts 4:0:1."
        )
    counts = _shares(len(frames), parts)
    dealt = np.random.default_rng(seed).permutation(np.repeat(SUBSETS, counts))
    subset_of = dict(zip(frames, map(str, dealt), strict=True))
    return Split(name, "random", seed, subset_of, {"parts": list(parts), **record}, notes)


def grouped_split(
    benchmark: Benchmark,
    *,
    seed: int = 0,
    parts: Parts = (4, 1, 1),
    name: str = "grouped",
    incomplete: bool = False,
) -> Split:
    """Whole experiments dealt out, so that the numbers of frames come close to `parts`.

    No frame is tested whose neighbours were trained on: scores tell what to expect of a new
    experiment. Same seed, same frames: same split. `incomplete` as in :func:`random_split`.

    Raises
    ------
    ValueError
        If there are fewer experiments than parts above 0.
    """
    check_name(name, "split name")
    benchmark, notes, record = _usable(benchmark, incomplete)
    used = _used(parts)
    sizes = Counter(frame.experiment for frame in benchmark.frames)
    if len(sizes) < len(used):
        raise ValueError(
            f"{benchmark.folder}: {len(sizes)} experiments with labelled frames cannot be split "
            f"into {len(used)} subsets. Add experiments, set a part to 0 (--parts 4:0:1), or "
            "use another rule."
        )
    groups, n_frames = list(sizes), np.array(list(sizes.values()))
    wanted = np.array(parts) * n_frames.sum() / sum(parts)
    rng = np.random.default_rng(seed)
    tries = [_dealt(n_frames, wanted, used, rng) for _ in range(_ORDERS_TRIED)]
    best = min(tries, key=lambda dealt: _imbalance(dealt, n_frames, wanted))
    subset_of_group = {group: SUBSETS[i] for group, i in zip(groups, best, strict=True)}
    subset_of = {frame: subset_of_group[frame.experiment] for frame in benchmark.frames}
    return Split(name, "grouped", seed, subset_of, {"parts": list(parts), **record}, notes)


def listed_split(
    benchmark: Benchmark,
    *,
    validation: Sequence[str] = (),
    test: Sequence[str] = (),
    name: str = "listed",
    incomplete: bool = False,
) -> Split:
    """Validation and test frames named by patterns, the rest, if any, for training.

    validation, test : patterns of ``experiment/frame`` with ``*``, ``?`` and ``[0-9]``, such as
        ``run3/*`` or ``hpdc/001[0-2]``.
    incomplete : as in :func:`random_split`.

    Raises
    ------
    ValueError
        If a pattern matches no frame or two subsets claim one.
    """
    check_name(name, "split name")
    benchmark, notes, record = _usable(benchmark, incomplete)
    patterns = {"validation": tuple(validation), "test": tuple(test)}
    subset_of = dict.fromkeys(benchmark.frames, "train")
    for subset, wanted in patterns.items():
        for pattern in wanted:
            for frame in _matching(benchmark, pattern):
                if subset_of[frame] not in ("train", subset):
                    raise ValueError(
                        f"{frame} is named for {subset_of[frame]} and, by {pattern!r}, for "
                        f"{subset}: let one of them go."
                    )
                subset_of[frame] = subset
    listed = {subset: list(wanted) for subset, wanted in patterns.items()}
    return Split(name, "listed", None, subset_of, {**listed, **record}, notes)


def _usable(
    benchmark: Benchmark, incomplete: bool
) -> tuple[Benchmark, tuple[str, ...], dict[str, Any]]:
    """The frames to deal out, notes on those left out, and what the split's header is to say."""
    if incomplete:
        return benchmark, (), {"incomplete": True}
    return *without_incomplete(benchmark), {}


def _matching(benchmark: Benchmark, pattern: str) -> list[FrameId]:
    found = [f for f in benchmark.frames if str(f) == pattern or fnmatchcase(str(f), pattern)]
    if not found:
        raise ValueError(
            f"pattern {pattern!r} matches no frame; write experiment/frame, such as "
            f"{first_few(benchmark.frames, 2) or 'run3/*'}, or experiment/* for all of one."
        )
    return found


def _used(parts: Parts) -> list[int]:
    """Which subsets are to have frames."""
    if len(parts) != len(SUBSETS) or min(parts) < 0 or parts[0] == 0:
        raise ValueError(
            f"parts are {':'.join(map(str, parts))}: give three numbers for training, validation "
            "and test, such as 4:1:1; that for training above 0."
        )
    return [i for i, part in enumerate(parts) if part > 0]


def _shares(total: int, parts: Parts) -> NDArray[np.intp]:
    """`total` divided in the ratio of `parts`, by largest remainder, at least 1 where not 0."""
    exact = np.array(parts) * total / sum(parts)
    counts = np.floor(exact).astype(np.intp)
    by_rest = np.argsort(counts - exact, kind="stable")
    counts[by_rest[: total - counts.sum()]] += 1
    for i in _used(parts):
        if counts[i] == 0:
            counts[counts.argmax()] -= 1
            counts[i] = 1
    return counts


def _dealt(
    n_frames: NDArray[np.intp],
    wanted: NDArray[np.float64],
    used: Iterable[int],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Subset of each group: in random order, each goes to where most frames are missing."""
    dealt = np.empty(len(n_frames), np.intp)
    missing, empty = wanted.copy(), set(used)
    order = rng.permutation(len(n_frames))
    for place, group in enumerate(order):
        left = len(order) - place
        open_to = sorted(empty) if left <= len(empty) else list(used)
        chosen = max(open_to, key=lambda subset: missing[subset])
        dealt[group] = chosen
        missing[chosen] -= n_frames[group]
        empty.discard(chosen)
    return dealt


def _imbalance(
    dealt: NDArray[np.intp], n_frames: NDArray[np.intp], wanted: NDArray[np.float64]
) -> float:
    got = np.bincount(dealt, weights=n_frames, minlength=len(SUBSETS))
    return float(np.abs(got - wanted).sum())
