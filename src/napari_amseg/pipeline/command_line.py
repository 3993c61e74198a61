"""The ``amseg`` command that repeats a run, word by word.

A command names its stack, model and files in full, so that it can be run from any folder, and of
the options those that differ from their defaults. It never replaces earlier results.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.models import Bundle
from napari_amseg.pipeline.command_parts import (
    Words,
    absolute,
    codes_word,
    given,
    measured,
    model_word,
    named_model,
    out_words,
    settings_words,
    stack_word,
    word,
)
from napari_amseg.preprocess import Chain, marked
from napari_amseg.types import Experiment, Stack

if TYPE_CHECKING:
    from napari_amseg.pipeline.correlate import CorrelateSettings
    from napari_amseg.pipeline.explain import ExplainRequest
    from napari_amseg.pipeline.laser_frame import LaserRequest
    from napari_amseg.pipeline.run import RunRequest
    from napari_amseg.pipeline.video import VideoRequest
    from napari_amseg.pipeline.watch.events import WatchRequest
    from napari_amseg.train import TrainRequest


def recorded(words: Callable[[], Words]) -> list[str] | None:
    """The command for a run record; None where there is none that does the same."""
    try:
        return list(words())
    except ValueError:
        return None


def _own(record: Path, chain: Chain) -> str:
    """``--chain`` of a command that its own record keeps: the next run may replace the record."""
    return marked(absolute(record), chain)


def segment_words(request: RunRequest, bundle: Bundle, *, chain: Path | None = None) -> Words:
    """``amseg segment``.

    chain : a file that holds ``request.chain``; the record of the run if not given, which then
        must hold this chain.

    Raises
    ------
    ValueError
        As :func:`stack_word`.
    """
    file = chain or _own(request.folder / f"{request.stem}_run.json", request.chain)
    return (
        *("amseg", "segment", stack_word(request.stack)),
        *given(name=request.stem, chain=file if request.chain.steps else None),
        *given(model=model_word(bundle)),
        *measured(request.stack.experiment),
        *settings_words(request.segment, request.maps, request.post, request.measure),
        *out_words(request.folder),
    )


def quantify_words(
    request: RunRequest, *, scheme: LabelScheme = DEFAULT_SCHEME, truth: Stack | None = None
) -> Words:
    """``amseg quantify`` of ``request.stack``, label images. Raises as :func:`stack_word` and
    :func:`codes_word`.
    """
    return (
        *("amseg", "quantify", stack_word(request.stack)),
        *given(name=request.stem, codes=codes_word(scheme)),
        *given(truth=None if truth is None else stack_word(truth)),
        *measured(request.stack.experiment),
        *settings_words(request.measure),
        *out_words(request.folder),
    )


def preprocess_words(
    stack: Stack, out: Path, *, chain: Path | str, dtype: str = "auto", compress: bool = False
) -> Words:
    """``amseg preprocess`` to the file `out`. Raises as :func:`stack_word`."""
    return (
        *("amseg", "preprocess", stack_word(stack)),
        *given(chain=chain, dtype=None if dtype == "auto" else dtype, compress=compress),
        *measured(stack.experiment, speed=False),
        *out_words(out),
    )


def train_words(request: TrainRequest) -> Words:
    """``amseg train``.

    Raises
    ------
    ValueError
        If the network has arguments that the command has no option for.
    """
    others = set(request.arguments) - {"filters"}
    if others:
        raise ValueError(f"amseg train has no option for {', '.join(sorted(others))}.")
    init = None if request.init is None else named_model(request.init)
    return (
        *("amseg", "train", absolute(request.benchmark)),
        *given(
            arch=request.architecture,
            filters=request.arguments.get("filters"),
            init=init,
            freeze_encoder=request.freeze_encoder,
            split=request.split,
            resume=request.resume,
        ),
        *settings_words(request.settings, request.augment),
        *out_words(request.folder),
    )


def laser_words(request: LaserRequest, *, chain: Path | None = None) -> Words:
    """``amseg laser``.

    chain : a file that holds ``request.chain``; the record of the run if not given, which then
        must hold this chain.

    Raises as :func:`stack_word` and :func:`codes_word`.
    """
    labels, line, rows = request.labels, request.line, request.rows
    numbers = () if line is None else (line.x0_px, line.velocity_px)
    frames = () if line is None else (line.first_frame, line.last_frame)
    file = chain or _own(request.folder / request.names[0], request.chain)
    return (
        *("amseg", "laser", stack_word(request.stack)),
        *given(
            name=request.stem,
            chain=file if request.chain.steps else None,
            labels=None if labels is None else stack_word(labels),
            codes=None if labels is None else codes_word(request.scheme),
            rows=None if rows is None else f"{rows[0]}:{rows[1]}",
        ),
        *(() if line is None else (f"--line={','.join(map(word, (*numbers, *frames)))}",)),
        *measured(request.stack.experiment),
        *settings_words(request.window),
        *out_words(request.folder),
    )


def explain_words(request: ExplainRequest, bundle: Bundle, *, chain: Path | None = None) -> Words:
    """``amseg explain``.

    chain : a file that holds ``request.chain``; the record of the run if not given, which then
        must hold this chain.

    Raises as :func:`stack_word`.
    """
    file = chain or _own(request.folder / request.names[-1], request.chain)
    return (
        *("amseg", "explain", stack_word(request.stack), "--frame", str(request.frame)),
        *("--class", request.class_name),
        *given(name=request.stem, chain=file if request.chain.steps else None),
        *given(model=model_word(bundle)),
        *measured(request.stack.experiment, speed=False),
        *settings_words(request.settings),
        *out_words(request.folder),
    )


def video_words(request: VideoRequest, *, chain: Path | None = None) -> Words:
    """``amseg video``. chain : the file with what was done to ``request.stack``.

    Raises as :func:`stack_word` and :func:`codes_word`.
    """
    truth, limits = request.truth, request.limits
    return (
        *("amseg", "video", stack_word(request.stack), stack_word(request.labels)),
        *given(
            chain=chain,
            truth=None if truth is None else stack_word(truth),
            frames=request.frames.strip() or None,
            view=request.view.strip() or None,
            codes=codes_word(request.scheme),
        ),
        *(() if limits is None else (f"--contrast={','.join(map(word, limits))}",)),
        *measured(request.stack.experiment, speed=False),
        *settings_words(request.settings),
        *out_words(request.path),
    )


def correlate_words(campaign: str | Path, out: Path, settings: CorrelateSettings) -> Words:
    """``amseg correlate`` into the folder `out`."""
    return ("amseg", "correlate", absolute(campaign), *settings_words(settings), *out_words(out))


def watch_words(request: WatchRequest, bundle: Bundle, *, chain: Path) -> Words:
    """``amseg watch``, without figures. chain : a file that holds ``request.chain``."""
    return (
        *("amseg", "watch", absolute(request.folder), "--no-figures"),
        *given(chain=chain if request.chain.steps else None, model=model_word(bundle)),
        *measured(Experiment.from_json(request.known())),
        *given(until_idle=request.until_idle_s),
        *settings_words(request.segment, request.maps, request.post, request.measure),
        *settings_words(request.watch),
        *out_words(request.out),
    )
