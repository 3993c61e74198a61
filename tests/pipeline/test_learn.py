"""Learning from corrections: what counts, what is kept, and that it helps."""

from dataclasses import replace

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.dataset import FrameId, load_split, open_benchmark
from napari_amseg.labels import DEFAULT_SCHEME, Label, LabelClass, LabelScheme
from napari_amseg.models import load_bundle
from napari_amseg.pipeline import segment_stack
from napari_amseg.pipeline.learn import (
    LearnSettings,
    corrected_labels,
    learn_request,
    remaining_frames,
    write_learning_set,
)
from napari_amseg.pipeline.train import train
from napari_amseg.train import TrainFinished
from napari_amseg.types import stack_from_array

FRAMES = np.arange(8)


@pytest.fixture
def images(drawn_frames):
    return stack_from_array(drawn_frames[0])


@pytest.fixture
def annotation(drawn_frames):
    """Frame 2 complete, frame 4 in progress, frame 6 suggested, the rest untouched."""
    truth = drawn_frames[1]
    made = Annotation(truth.copy(), np.zeros(truth.shape, bool), DEFAULT_SCHEME)
    made.statuses[[2, 4, 6]] = Status.COMPLETE, Status.IN_PROGRESS, Status.SUGGESTED
    made.by_hand[4, 12:20, 10:30] = True
    return made


def test_only_what_a_person_stands_for_is_learnt(images, annotation, tmp_path):
    learnt = write_learning_set(images, annotation, tmp_path / "set")
    benchmark = open_benchmark(learnt.benchmark)
    train_frames = load_split(benchmark, learnt.split).of("train")
    assert learnt.frames == (2, 4)
    assert [frame.frame for frame in train_frames] == ["0002", "0004"]
    whole, part = (benchmark.labels(frame) for frame in train_frames)
    assert np.array_equal(whole, annotation.labels[2])
    assert np.array_equal(part, np.where(annotation.by_hand[4], annotation.labels[4], 0))
    assert learnt.labelled_px == whole.size + annotation.by_hand[4].sum()


def test_other_frames_are_there_for_the_grey_limits_alone(images, annotation, tmp_path):
    learnt = write_learning_set(images, annotation, tmp_path / "set")
    benchmark = open_benchmark(learnt.benchmark)
    others = load_split(benchmark, learnt.split).of("test")
    assert {int(frame.frame) for frame in others} == set(FRAMES) - {2, 4}
    assert not any(benchmark.labels(frame).any() for frame in others)


def test_frames_past_ten_thousand_keep_their_subset(rng, tmp_path):
    labels = np.zeros((10_002, 8, 8), np.uint8)
    labels[10_001, :4], labels[10_001, 4:] = Label.BACKGROUND, Label.SUBSTRATE
    annotation = Annotation(labels, labels > 0, DEFAULT_SCHEME)
    annotation.statuses[10_001] = Status.COMPLETE
    frame = rng.integers(0, 255, (8, 8), dtype=np.uint8)
    images = replace(stack_from_array(labels), read=lambda t: frame)
    learnt = write_learning_set(images, annotation, tmp_path / "set")
    split = load_split(open_benchmark(learnt.benchmark), learnt.split)
    assert split.of("train") == (FrameId("annotated", "10001"),)


def test_the_model_keeps_classes_that_are_not_painted(images, annotation, tmp_path):
    learnt = write_learning_set(images, annotation, tmp_path / "five", model=DEFAULT_SCHEME)
    assert learnt.scheme.names == DEFAULT_SCHEME.names
    assert any("powder" in note for note in learnt.notes)
    narrow = DEFAULT_SCHEME.subset(["pore", "background"])
    other = write_learning_set(images, annotation, tmp_path / "four", model=narrow)
    assert other.scheme.names == ("keyhole", "pore", "substrate", "background")


def test_a_class_of_the_user_is_learnt_with_a_new_head(images, annotation, tmp_path):
    spatter = LabelClass(6, "spatter", "#ff00ff", "spatter")
    annotation.scheme = LabelScheme((*DEFAULT_SCHEME.classes, spatter))
    annotation.labels[2, :3, :6] = 6
    learnt = write_learning_set(images, annotation, tmp_path / "set", model=DEFAULT_SCHEME)
    assert learnt.scheme.names == ("keyhole", "pore", "substrate", "background", "spatter")


def test_there_must_be_something_to_learn(images, annotation, tmp_path):
    annotation.statuses[:] = Status.SUGGESTED
    with pytest.raises(ValueError, match="nothing is corrected yet"):
        write_learning_set(images, annotation, tmp_path / "set")
    annotation.statuses[4] = Status.IN_PROGRESS
    annotation.by_hand[:] = annotation.labels == Label.PORE
    with pytest.raises(ValueError, match="all that is corrected is pore"):
        write_learning_set(images, annotation, tmp_path / "set", model=DEFAULT_SCHEME)
    assert not (tmp_path / "set").exists()


def test_other_images_are_refused(images, annotation, tmp_path):
    with pytest.raises(ValueError, match="give the frames that were annotated"):
        write_learning_set(stack_from_array(np.zeros((3, 32, 48), np.uint8)), annotation, tmp_path)


def test_frames_with_a_surface_are_never_turned_upside_down(images, annotation, tmp_path):
    with_surface = write_learning_set(images, annotation, tmp_path / "melt")
    casting = np.where(annotation.labels == Label.PORE, Label.PORE, Label.SUBSTRATE)
    annotation.labels[:] = casting
    without = write_learning_set(images, annotation, tmp_path / "casting")
    turned = [
        learn_request(learnt, "fast", tmp_path / "m").augment.flip_vertical
        for learnt in (with_surface, without)
    ]
    assert turned == [False, True]


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_number_of_steps_does_not_depend_on_that_of_frames(n, images, annotation, tmp_path):
    annotation.statuses[:n] = Status.COMPLETE
    annotation.statuses[n:] = Status.UNTOUCHED
    learnt = write_learning_set(images, annotation, tmp_path / "set")
    request = learn_request(learnt, "fast", tmp_path / "m", LearnSettings(steps=90, crop_px=32))
    settings, share = request.settings, 1 + request.augment.crop_share
    steps = settings.epochs * n * settings.draws * share / settings.batch_size
    assert steps == pytest.approx(90, rel=0.1)


def test_the_remaining_frames_begin_with_the_one_shown(annotation):
    assert remaining_frames(annotation, shown=5) == (5, 6, 7, 0, 1, 3, 4)
    assert remaining_frames(annotation, shown=2) == (3, 4, 5, 6, 7, 0, 1)
    annotation.statuses[:] = Status.COMPLETE
    assert remaining_frames(annotation) == ()


def test_confirmed_labels_are_read_frame_by_frame(annotation):
    stack = corrected_labels(annotation)
    assert [bool(frame.any()) for frame in stack] == [t in (2, 4) for t in FRAMES]


@pytest.mark.slow
def test_learning_makes_the_other_frames_better(images, annotation, drawn_frames, tmp_path):
    start = load_bundle("fast")
    learnt = write_learning_set(images, annotation, tmp_path / "set", model=start.card.scheme)
    request = learn_request(learnt, "fast", tmp_path / "model", LearnSettings(steps=45))
    assert isinstance(list(train(request))[-1], TrainFinished)

    def wrong(bundle):
        found = segment_stack(images, bundle, order=[0, 5, 7])
        return np.mean([result.labels != drawn_frames[1][result.frame] for result in found])

    assert wrong(load_bundle(request.folder)) < min(0.1, 0.5 * wrong(start))
