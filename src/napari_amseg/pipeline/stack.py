"""The iterator that the command line, the batch runner and the viewer consume."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.measure import MeasureSettings, measure_frame
from napari_amseg.models import Bundle
from napari_amseg.segment import (
    Engine,
    FrameLabels,
    PostSettings,
    SegmentSettings,
    make_engine,
    postprocess,
    predict_frames,
)
from napari_amseg.types import Experiment, Stack, stack_from_array


@dataclass(frozen=True, slots=True)
class FrameResult:
    """One frame done: its index, its labels uint8 (Y, X), its table row, its pores' rows.

    confidence : uint8 (Y, X), probability of the network's class times 255; None if not wanted.
    """

    frame: int
    labels: NDArray[np.uint8]
    row: dict[str, Any]
    pores: list[dict[str, Any]]
    confidence: NDArray[np.uint8] | None = None


def segment_stack(
    stack: Stack,
    bundle: Bundle,
    settings: SegmentSettings | None = None,
    *,
    measure: MeasureSettings | None = None,
    engine: Engine | None = None,
    order: Iterable[int] | None = None,
    post: PostSettings | None = None,
    confidence: bool = False,
) -> Generator[FrameResult]:
    """Segment and measure a stack, frame by frame.

    Parameters
    ----------
    stack : (T, Y, X), raw or preprocessed; the bundle's own input mapping is applied here.
    bundle : the model. settings, measure : options; defaults otherwise.
    engine : one made before, to be used again. order : frames to do, in this order.
    post : corrections of the labels before they are measured; none by default.
    confidence : whether results hold that map; a given engine was made with it or without.

    Yields
    ------
    FrameResult. Closing the generator stops after the batch at hand. What only the whole stack can
    tell, ``track_id`` of pores among it, comes from ``measure.Measurements``.
    """
    settings = settings or SegmentSettings()
    ready = bundle.card.chain.apply(stack)
    engine = engine or make_engine(
        bundle, settings.engine, precision=settings.precision, confidence=confidence
    )
    yield from frame_results(
        ready,
        engine,
        bundle.card.scheme,
        stack.experiment,
        settings=settings,
        post=post,
        measure=measure,
        order=order,
    )


def frame_results(
    ready: Stack,
    engine: Engine,
    scheme: LabelScheme,
    experiment: Experiment,
    *,
    settings: SegmentSettings,
    post: PostSettings | None = None,
    measure: MeasureSettings | None = None,
    order: Iterable[int] | None = None,
    parts: Sequence[Iterable[int]] | None = None,
) -> Generator[FrameResult]:
    """Segment, correct and measure frames that are in the model's input range already.

    Parameters
    ----------
    ready : (T, Y, X) float32, as :func:`.prepare.prepare` gives it. engine, scheme : of the model.
    experiment : pixel size and frame rate. order : frames to do, in this order; all by default.
    parts : several orders instead of one, done in turn; no model call holds frames of two.

    Yields
    ------
    FrameResult, in that order. Closing the generator stops after the batch at hand.
    """
    orders = [order] if parts is None else parts
    found = [predict_frames(ready, engine, settings, order=part) for part in orders]
    try:
        maps = corrected(chain(*found), scheme, post or PostSettings())
        yield from measured(maps, scheme, experiment, measure)
    finally:  # now, not when the last reference goes: threads and files are open
        for part in found:
            part.close()


def measure_stack(
    labels: Stack | Any,
    *,
    scheme: LabelScheme = DEFAULT_SCHEME,
    experiment: Experiment | None = None,
    settings: MeasureSettings | None = None,
) -> Generator[FrameResult]:
    """Measure every frame of a label stack, ours or not.

    Parameters
    ----------
    labels : Stack, or array (T, Y, X) or (Y, X), of label codes.
    scheme : what the codes mean. experiment : pixel size and frame rate; those of the Stack if
        not given.

    Raises
    ------
    ValueError
        If a frame holds codes that the scheme does not know, or is not of integers.
    """
    stack = labels if isinstance(labels, Stack) else stack_from_array(labels)
    if stack.dtype.kind not in "uib":
        raise ValueError(f"label images hold integer codes, these are {stack.dtype}.")
    maps = (FrameLabels(t, label_codes(stack.read(t), t, scheme)) for t in range(len(stack)))
    yield from measured(maps, scheme, experiment or stack.experiment, settings)


def corrected(
    maps: Iterable[FrameLabels], scheme: LabelScheme, settings: PostSettings
) -> Generator[FrameLabels]:
    """The same frames, their labels post-processed; uncertainty and confidence stay the network's
    own.
    """
    for found in maps:
        yield replace(found, labels=postprocess(found.labels, scheme, settings))


def measured(
    maps: Iterable[FrameLabels],
    scheme: LabelScheme,
    experiment: Experiment,
    settings: MeasureSettings | None = None,
) -> Generator[FrameResult]:
    """Results of class maps as they come."""
    settings = settings or MeasureSettings()
    for found in maps:
        t, labels = found.frame, found.labels
        measures = measure_frame(
            labels, frame=t, scheme=scheme, experiment=experiment, settings=settings
        )
        row = measures.row | {"uncertainty": found.uncertainty}
        yield FrameResult(t, labels, row, measures.pores, found.confidence)


def checked_labels(stack: Stack, scheme: LabelScheme, *, what: str = "labels") -> Stack:
    """The label stack as uint8 codes; reading a frame raises as :func:`label_codes` does."""
    return stack.derived(lambda t: label_codes(stack.read(t), t, scheme, what=what), dtype=np.uint8)


def label_codes(
    frame: NDArray[Any], t: int, scheme: LabelScheme, *, what: str = "labels"
) -> NDArray[np.uint8]:
    """A frame of labels as uint8 codes, each of them known.

    what : the stack it is from, for the message. t : its frame number.

    Raises
    ------
    ValueError
        If it holds other codes, or no whole numbers.
    """
    if frame.dtype.kind == "f":
        raise ValueError(
            f"{what}: frame {t} holds {frame.dtype} values, labels are integer codes. Is this a "
            "label stack? Save it as 8 bit."
        )
    if not _all_known(frame, scheme):
        unknown = np.setdiff1d(frame, (0, *scheme.codes))
        known = ", ".join(f"{c.code} {c.name}" for c in scheme.classes)
        raise ValueError(
            f"{what}: frame {t} holds label codes {unknown[:5].tolist()}; known are 0 unlabelled, "
            f"{known}. Is this a label stack? Say what other codes mean with --codes."
        )
    return frame.astype(np.uint8, copy=False)


def _all_known(frame: NDArray[Any], scheme: LabelScheme) -> bool:
    """Whether every code is of the scheme; a look-up costs a tenth of sorting the frame."""
    if frame.dtype != np.uint8:
        if int(frame.max()) > 255 or int(frame.min()) < 0:
            return False
        frame = frame.astype(np.uint8)
    known = np.zeros(256, bool)
    known[[0, *scheme.codes]] = True
    return bool(known[: int(frame.max()) + 1].all() or known[frame].all())
