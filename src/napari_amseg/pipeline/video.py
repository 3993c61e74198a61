"""A stack and its masks as a video or a film strip, written frame by frame."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from math import isclose
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io import OutputFiles
from napari_amseg.io.video_writer import VideoWriter, ffmpeg_path
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.pipeline.stack import label_codes
from napari_amseg.preprocess import Crop
from napari_amseg.preprocess.statistics import grey_levels
from napari_amseg.report.captions import TimeScale
from napari_amseg.report.film_strip import StripLook, film_strip_figure
from napari_amseg.report.video import VideoFrames, VideoSettings
from napari_amseg.types import Experiment, Frame, Stack

STRIP_SUFFIXES = (".png", ".pdf", ".svg")
_GREY_PERCENTILES = (0.5, 99.5)
_FRAMES_IN_STRIP = 5
_MOST_IN_STRIP = 12


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """What to show and where.

    Attributes
    ----------
    stack : grey frames, preprocessed if they shall be. labels : their masks, of the same shape.
    path : ``.mp4`` for a video; ``.png``, ``.pdf`` or ``.svg`` for a film strip.
    truth : masks made by hand or known otherwise, of the same shape. scheme : the classes of both.
    frames : which, as :func:`chosen_frames` reads them. view : the part of every frame that is
        shown, ``Y0:Y1,X0:X1``; all of it if empty. Nothing else depends on it.
    limits : grey values shown black and white; from a sample of all frames, whole, if not given.
    title : what the first panel is called.
    overwrite : whether an earlier file may be replaced.

    Raises
    ------
    ValueError
        If shapes or dtypes do not fit, or the file's ending is not known.
    FileExistsError
        If the file is there and may not be replaced.
    """

    stack: Stack
    labels: Stack
    path: Path
    truth: Stack | None = None
    scheme: LabelScheme = DEFAULT_SCHEME
    frames: str = ""
    view: str = ""
    limits: tuple[float, float] | None = None
    title: str = "Raw"
    settings: VideoSettings = field(default_factory=VideoSettings)
    overwrite: bool = False

    def __post_init__(self) -> None:
        suffix = self.path.suffix.lower()
        if suffix not in (".mp4", *STRIP_SUFFIXES):
            raise ValueError(
                f"{self.path}: ends in {suffix or 'nothing'!r}; write .mp4 for a video, or "
                f"{', '.join(STRIP_SUFFIXES)} for a film strip."
            )
        if self.path.exists() and not self.overwrite:
            raise FileExistsError(
                f"{self.path}: exists already; choose another name, or --overwrite to replace it."
            )
        for what, masks in self._masks().items():
            _check_masks(what, masks, self.stack)
        self._viewed(self.stack)

    def _masks(self) -> dict[str, Stack]:
        return ({} if self.truth is None else {"truth": self.truth}) | {"labels": self.labels}

    @property
    def is_video(self) -> bool:
        """Whether the file is a video, not a film strip."""
        return self.path.suffix.lower() == ".mp4"

    @property
    def titles(self) -> tuple[str, ...]:
        """Names of the panels, the stack's first."""
        if self.truth is None:
            return self.title, "Segmentation"
        return self.title, "Truth", "Prediction"

    @property
    def experiment(self) -> Experiment:
        """Pixel size and frame rate of the stack, of the labels where it knows none."""
        found = Experiment()
        for masks in self._masks().values():
            found = found.updated(**masks.experiment.to_json())
        return found.updated(**self.stack.experiment.to_json())

    @property
    def notes(self) -> tuple[str, ...]:
        """Where stack and masks contradict each other."""
        return tuple(
            f"{what} {mine:g} {unit} of the stack is used; the {name} say {theirs:g} {unit}"
            for name, masks in self._masks().items()
            for what, unit, mine, theirs in (
                ("pixel size", "um", *_both(self.stack, masks, "pixel_size_um")),
                ("frame rate", "Hz", *_both(self.stack, masks, "frame_rate_hz")),
            )
            if mine is not None and theirs is not None and not isclose(mine, theirs, rel_tol=1e-6)
        )

    def read(self, t: int) -> tuple[Frame, list[NDArray[np.uint8]]]:
        """Grey frame t and its masks, in the order of the titles.

        Raises
        ------
        ValueError
            If a mask holds codes that the scheme does not know.
        """
        masks = [
            label_codes(self._viewed(m).read(t), t, self.scheme, what=what)
            for what, m in self._masks().items()
        ]
        return self._viewed(self.stack).read(t), masks

    @property
    def view_shape(self) -> tuple[int, int]:
        """Rows and columns that are shown."""
        return self._viewed(self.stack).frame_shape

    def _viewed(self, stack: Stack) -> Stack:
        if not self.view.strip():
            return stack
        try:
            return Crop.parse(self.view).apply(stack)
        except ValueError as error:
            raise ValueError(str(error).replace("crop", "view", 1)) from None


def chosen_frames(text: str, n_frames: int, *, spread: int | None = None) -> list[int]:
    """The frames that ``A:B:STEP`` (B excluded) or ``3,10,50`` name, or several of both.

    n_frames : of the stack. spread : where `text` is empty, the middle frames of so many equal
    parts of the stack; all frames if None.

    Raises
    ------
    ValueError
        If the text has another form, names a frame that is not there, or none at all.
    """
    if not text.strip():
        parts = min(spread or n_frames, n_frames)
        return [int((part + 0.5) * n_frames / parts) for part in range(parts)]
    found: list[int] = []
    for part in text.split(","):
        try:
            numbers = [int(n) if n.strip() else None for n in part.split(":")]
            if len(numbers) > 1:
                found += range(n_frames)[slice(*numbers)]
                continue
            (t,) = numbers
            found.append(range(n_frames)[t])  # type: ignore[index]
        except IndexError:
            raise ValueError(
                f"frame {part.strip()} of a stack with {n_frames}: the last is {n_frames - 1}."
            ) from None
        except (ValueError, TypeError):
            raise ValueError(
                f"frames are {text!r}: write A:B or A:B:STEP, B excluded, or numbers such as "
                "0,20,40."
            ) from None
    if not found:
        raise ValueError(f"frames {text!r} name none of the stack's {n_frames}.")
    return found


def write_video(request: VideoRequest) -> Generator[int]:
    """Write a video frame by frame; yields the number of each stack frame when it is done.

    The file appears after the last one. Closing the generator ends the encoder; nothing is left.

    Raises
    ------
    ValueError
        If no frame is chosen, or a mask holds unknown codes. ImportError without ffmpeg.
    OSError
        If the file cannot be written.
    """
    stack, settings = request.stack, request.settings
    order = chosen_frames(request.frames, len(stack))
    ffmpeg_path()  # missing: say so before anything is read
    frames = VideoFrames(
        request.view_shape,
        request.titles,
        request.scheme,
        dtype=stack.dtype,
        limits=_limits(request),
        time=TimeScale(len(stack), request.experiment.frame_rate_hz),
        pixel_size_um=request.experiment.pixel_size_um,
        settings=settings,
    )
    with OutputFiles(request.path.parent) as files:
        part = files.path(request.path.name)
        with VideoWriter(part, frames.shape, fps=settings.fps, crf=settings.crf) as video:
            for t in order:
                video.append(frames.render(t, *request.read(t)))
                yield t


def write_film_strip(request: VideoRequest) -> list[int]:
    """Write a film strip; returns the frames it shows. Raises as :func:`write_video`."""
    stack = request.stack
    frames = chosen_frames(request.frames, len(stack), spread=_FRAMES_IN_STRIP)
    if len(frames) > _MOST_IN_STRIP:
        raise ValueError(
            f"frames {request.frames!r} are {len(frames)}, too many for one film strip: choose "
            f"at most {_MOST_IN_STRIP}, for example by a larger step in A:B:STEP."
        )
    look = StripLook(
        titles=request.titles,
        limits=_limits(request),
        time=TimeScale(len(stack), request.experiment.frame_rate_hz),
        scheme=request.scheme,
        pixel_size_um=request.experiment.pixel_size_um,
        opacity=request.settings.opacity,
    )
    with OutputFiles(request.path.parent) as files:
        film_strip_figure(
            request.read,
            frames,
            files.path(request.path.name),
            frame_shape=request.view_shape,
            look=look,
        )
    return frames


def _limits(request: VideoRequest) -> tuple[float, float]:
    if request.limits is not None:
        return request.limits
    low, high = grey_levels(request.stack, _GREY_PERCENTILES)
    return low, high


def _check_masks(what: str, masks: Stack, stack: Stack) -> None:
    if masks.dtype.kind not in "uib":
        raise ValueError(f"{what} hold {masks.dtype}: label images hold integer codes.")
    if masks.frame_shape != stack.frame_shape:
        raise ValueError(
            f"{what} are {masks.shape[1]} x {masks.shape[2]} px, the frames {stack.shape[1]} x "
            f"{stack.shape[2]} px: give the crop the labels were made with (--crop, or --chain "
            "with their _run.json), or the stack they belong to."
        )
    if len(masks) != len(stack):
        raise ValueError(
            f"{what} have {len(masks)} frames, the stack has {len(stack)}: which belongs to which "
            "cannot be known. Give the labels of the whole stack."
        )


def _both(one: Stack, other: Stack, name: str) -> tuple[float | None, float | None]:
    return getattr(one.experiment, name), getattr(other.experiment, name)
