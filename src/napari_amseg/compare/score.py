"""Scores of a trained network on the test images, and the time it takes for one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import numpy as np

from napari_amseg.dataset import Benchmark, FrameId, Split
from napari_amseg.dataset.inputs import InputFrames
from napari_amseg.models import Bundle
from napari_amseg.pipeline.evaluate import predicted
from napari_amseg.scores import Confusion
from napari_amseg.segment import Engine, SegmentSettings, make_engine, segment_frames
from napari_amseg.types import stack_from_array

TIMED_CALLS = 15


class Stopped(Exception):  # noqa: N818 (no error: somebody pressed Cancel)
    """The test was asked to stop."""


def score_bundle(
    bundle: Bundle,
    benchmark: Benchmark,
    split: Split,
    settings: SegmentSettings,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Segment the test images and compare with their labels; then time the segmentation.

    Returns
    -------
    ``scores`` as :meth:`~napari_amseg.scores.Confusion.to_json` gives them, ``engine`` and
    ``segmentation`` (see :func:`time_segmentation`).

    Raises
    ------
    Stopped
        Between two frames of being asked to.
    """
    engine = make_engine(bundle, settings.engine, precision=settings.precision)
    frames = split.of("test")
    inputs = InputFrames(benchmark, bundle.card.chain, split.subset_of)
    confusion = Confusion(benchmark.scheme)
    for frame, labels in predicted(inputs, frames, engine, settings):
        if cancelled():
            raise Stopped
        confusion.add(benchmark.labels(frame), labels)
    return {
        "scores": confusion.to_json(),
        "engine": {"name": engine.name, "device": engine.device},
        "segmentation": time_segmentation(engine, inputs, frames, settings, cancelled=cancelled),
    }


def time_segmentation(
    engine: Engine,
    inputs: InputFrames,
    frames: Sequence[FrameId],
    settings: SegmentSettings,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Time to segment one frame: the median over calls, after one that does not count.

    A call takes frames prepared in memory to their class maps: padded or cut into tiles, through
    the network, put together. Loading the model and reading the files is left out. Frames of the
    commonest shape are used.

    Returns
    -------
    ``shape``, ``calls``, ``batch_size`` and, in ms a frame, ``ms_batch_1`` and ``ms_batch``
    (with `batch_size` frames at once).
    """
    shape = Counter(inputs.shape(frame) for frame in frames).most_common(1)[0][0]
    shown = [frame for frame in frames if inputs.shape(frame) == shape]
    most = settings.batch_size
    stack = stack_from_array(
        np.stack([inputs.image(frame) for frame in islice(cycle(shown), most)])
    )

    def ms_a_frame(batch: int) -> float:
        one_call, seconds = replace(settings, batch_size=batch), []
        for call in range(1 + TIMED_CALLS):
            if cancelled():
                raise Stopped
            order = [(call * batch + i) % most for i in range(batch)]
            start = time.perf_counter()
            for _ in segment_frames(stack, engine, one_call, order=order):
                pass
            seconds.append(time.perf_counter() - start)
        return 1e3 * float(np.median(seconds[1:])) / batch

    return {
        "shape": list(shape),
        "calls": TIMED_CALLS,
        "batch_size": most,
        "ms_batch_1": ms_a_frame(1),
        "ms_batch": ms_a_frame(most),
    }
