"""What the *Video* widget runs in its thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_amseg.pipeline.video import (
    VideoRequest,
    chosen_frames,
    write_film_strip,
    write_video,
)
from napari_amseg.plugin.layers import ImageSource, image_source, label_source
from napari_amseg.preprocess import Chain
from napari_amseg.report.video import VideoSettings
from napari_amseg.types import Experiment, stack_from_array

if TYPE_CHECKING:
    from napari.layers import Layer

_TELL_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Written:
    """So many frames of a video are done. n_frames : in the whole video."""

    done: int
    n_frames: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The file is there; or it was cancelled, or `error` kept it from being written."""

    cancelled: bool = False
    error: Exception | None = None


def video_request(
    image: Layer,
    labels: Layer,
    truth: Layer | None,
    path: Path,
    *,
    experiment: Experiment,
    frames: str,
    settings: VideoSettings,
    overwrite: bool = False,
) -> VideoRequest:
    """The video of what the layers show, in the contrast of the image layer.

    experiment : pixel size and frame rate, as filled in. overwrite : whether an earlier file may be
    replaced, because someone was asked.

    Raises
    ------
    ValueError
        If layers do not fit each other, or the file's ending is not known.
    FileExistsError
        If the file is there and may not be replaced.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{path}: exists already; press Write… again and choose it, or another name."
        )
    stacks = [stack_from_array(layer.data) for layer in (image, labels, truth) if layer is not None]
    ours: ImageSource = image_source(image)
    low, high = (float(v) for v in image.contrast_limits)
    return VideoRequest(
        stack=Chain().apply(replace(stacks[0], experiment=experiment)),  # with its check for NaN
        labels=stacks[1],
        truth=None if truth is None else stacks[2],
        path=path,
        scheme=label_source(labels).scheme,
        frames=frames,
        limits=(low, high),
        title="Preprocessed" if ours.chain.steps else "Raw",
        settings=settings,
        overwrite=overwrite,
    )


def run_video_job(request: VideoRequest, cancel: threading.Event) -> Generator[Written | Ended]:
    """Progress a few times a second, then how it ended."""
    try:
        if not request.is_video:
            write_film_strip(request)
            yield Ended()
            return
        n_frames = len(chosen_frames(request.frames, len(request.stack)))
        last = time.monotonic()
        with closing(write_video(request)) as frames:
            for done, _ in enumerate(frames, start=1):
                if cancel.is_set():
                    break
                if time.monotonic() - last > _TELL_SECONDS:
                    yield Written(done, n_frames)
                    last = time.monotonic()
        yield Ended(cancelled=cancel.is_set())
    except Exception as error:  # a worker swallows RuntimeError, so nothing may escape
        yield Ended(error=error)
