"""Learn from what a person corrected: annotated frames to a training of a minute or two.

The result is a :class:`TrainRequest`, which the compute process knows; the frames that remain are
then segmented by the new model, in the order of :func:`remaining_frames`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.dataset import Benchmark, add_frames, listed_split, save_split
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.dataset.codes import code_counts
from napari_amseg.dataset.names import Track, silent
from napari_amseg.dataset.painted import classes_to_learn, storable
from napari_amseg.labels import LabelScheme
from napari_amseg.settings import Settings, setting
from napari_amseg.train import TrainRequest, TrainSettings
from napari_amseg.types import Experiment, Frame, Stack, sample_indices

_EXPERIMENT = "annotated"
_BATCH_PX = 4 * 256 * 256  # pixels of a batch, whatever its crops
_MOST_CROPS = 16
_EPOCHS = 3  # the fewest that show progress: each writes the model
_GREY_FRAMES = 32
_MODEL_CLASSES_KEPT = "the model keeps its classes; not corrected, so not learnt anew: "


@dataclass(frozen=True, slots=True)
class LearnSettings(Settings):
    """A short training from the current model."""

    steps: int = setting(
        120, low=3, high=100_000, help="Steps of the training; more for what is new to the model."
    )
    learning_rate: float = setting(
        1e-3, low=1e-7, high=1, help="At the start; it falls to zero along half a cosine."
    )
    crop_px: int = setting(
        256,
        low=32,
        unit="px",
        help="Size of the crops: larger than what must be recognised.",
    )
    seed: int = setting(0, low=0, help="The same seed and frames give the same model.")


@dataclass(frozen=True, slots=True)
class LearningSet:
    """A benchmark on the disk of what was corrected.

    Attributes
    ----------
    benchmark : its folder. split : the name of its split: corrected frames train, some others,
        unlabelled, are there for the grey limits of the stack.
    scheme : the classes to learn. frames : those learnt from. labelled_px : of all of them.
    frame_shape : (Y, X). has_surface : whether there is an above and a below.
    notes : remarks for people.
    """

    benchmark: Path
    split: str
    scheme: LabelScheme
    frames: tuple[int, ...]
    labelled_px: int
    frame_shape: tuple[int, int]
    has_surface: bool
    notes: tuple[str, ...] = ()


def write_learning_set(
    images: Stack,
    annotation: Annotation,
    folder: Path,
    *,
    model: LabelScheme | None = None,
    track: Track = silent,
) -> LearningSet:
    """Write what counts as corrected to a new benchmark.

    Complete frames count with all their labels, frames in progress where they are by hand. What a
    model or an aid suggested teaches nothing but what is known, mistakes included.

    Parameters
    ----------
    images : (T, Y, X) as annotated, processed but not in the model's input range.
    folder : does not exist yet. model : classes of the model to go on from; they are kept if all
        that is painted is among them. track : wraps loops over frames, to show progress or to stop.

    Raises
    ------
    ValueError
        If nothing is corrected, or fewer than two classes are, so that all could become that one.
    OSError
        If it cannot be written.
    """
    if images.shape != annotation.labels.shape:
        raise ValueError(
            f"images are {images.shape}, labels {annotation.labels.shape}: give the frames that "
            "were annotated."
        )
    labels = corrected_labels(annotation)
    counts = {t: code_counts(labels.read(t)) for t in _candidates(annotation)}
    pixels = np.sum([*counts.values(), np.zeros(256, np.int64)], axis=0)
    pixels[0] = 0
    frames = tuple(t for t, of_frame in counts.items() if of_frame[1:].any())
    painted = set(np.flatnonzero(pixels).tolist())
    scheme = _scheme(annotation.scheme, painted, model)
    others = [t for t in sample_indices(len(images), _GREY_FRAMES).tolist() if t not in frames]
    benchmark = add_frames(
        Benchmark(folder, scheme, {}, ()),
        storable(images),
        labels,
        Experiment(experiment=_EXPERIMENT),
        frames=sorted((*frames, *others)),
        allow_unlabelled=True,
        track=track,
    )
    split = listed_split(benchmark, test=[f"{_EXPERIMENT}/{t:04d}" for t in others])
    save_split(benchmark, split)
    missing = [c.name for c in scheme.classes if c.code not in painted]
    return LearningSet(
        folder,
        split.name,
        scheme,
        frames,
        int(pixels.sum()),
        images.frame_shape,
        _has_surface(scheme, painted),
        (_MODEL_CLASSES_KEPT + ", ".join(missing),) if missing else (),
    )


def learn_request(
    learnt: LearningSet, init: str | Path, folder: Path, settings: LearnSettings | None = None
) -> TrainRequest:
    """The training that goes on from a model; its bundle is written to `folder`.

    Parameters
    ----------
    init : bundled name or bundle folder of the model that suggested the labels. folder : empty or
        new. settings : 120 steps by default, a minute or two on two cores.
    """
    settings = settings or LearnSettings()
    rows, columns = (min(n, settings.crop_px) for n in learnt.frame_shape)
    batch_size = int(np.clip(_BATCH_PX // (rows * columns), 1, _MOST_CROPS))
    augment = AugmentSettings(flip_vertical=not learnt.has_surface)
    samples = settings.steps * batch_size / _EPOCHS
    draws = max(1, round(samples / (len(learnt.frames) * (1 + augment.crop_share))))
    training = TrainSettings(
        epochs=_EPOCHS,
        batch_size=batch_size,
        learning_rate=settings.learning_rate,
        crop_rows=rows,
        crop_columns=columns,
        draws=draws,
        class_weighting="none",  # as the shipped models are trained
        seed=settings.seed,
    )
    return TrainRequest(
        learnt.benchmark,
        folder,
        split=learnt.split,
        init=str(init),
        settings=training,
        augment=augment,
    )


def remaining_frames(annotation: Annotation, shown: int = 0) -> tuple[int, ...]:
    """The frames that are not complete, from the one shown to the end and then from the start."""
    open_ = np.flatnonzero(annotation.statuses != Status.COMPLETE)
    return tuple(np.roll(open_, -int(np.searchsorted(open_, shown))).tolist())


def corrected_labels(annotation: Annotation) -> Stack:
    """Labels a person stands for, uint8 (T, Y, X); 0 where nobody does."""

    def read(t: int) -> Frame:
        return np.where(annotation.confirmed(t), annotation.labels[t], 0).astype(np.uint8)

    return Stack(annotation.labels.shape, np.dtype(np.uint8), read)


def _candidates(annotation: Annotation) -> list[int]:
    wanted = (Status.IN_PROGRESS, Status.COMPLETE)
    return [int(t) for t in np.flatnonzero(np.isin(annotation.statuses, wanted))]


def _scheme(scheme: LabelScheme, painted: set[int], model: LabelScheme | None) -> LabelScheme:
    if not painted:
        raise ValueError(
            "nothing is corrected yet: paint in some frames, or mark those that are right as "
            "complete. Suggestions that nobody confirmed teach nothing."
        )
    if len(painted) == 1:  # a model learns to see it everywhere
        name = next((c.name for c in scheme.classes if c.code in painted), f"code {min(painted)}")
        raise ValueError(
            f"all that is corrected is {name}: paint some of what is not {name} too, or mark a "
            "frame as complete."
        )
    return classes_to_learn(scheme, painted, model, _EXPERIMENT)


def _has_surface(scheme: LabelScheme, painted: set[int]) -> bool:
    """Whether frames may not be turned upside down: a keyhole, or two things one over the other."""
    roles = [c.role for c in scheme.classes if c.code in painted]
    return "keyhole" in roles or sum(role != "pore" for role in roles) > 1
