from dataclasses import replace

import numpy as np
import pytest

from napari_amseg.dataset import add_frames, load_split, open_benchmark
from napari_amseg.dataset.augment import AugmentSettings, augmented, enlarged_crop
from napari_amseg.dataset.batches import TrainingBatches, WholeFrames, training_shape
from napari_amseg.dataset.class_weights import class_weights, count_labels
from napari_amseg.dataset.inputs import InputFrames
from napari_amseg.preprocess import Chain, Normalise
from napari_amseg.types import Experiment, stack_from_array

PLAIN = AugmentSettings(crop_share=0, flip_horizontal=False, brightness=0, noise=0)
CHAIN = Chain((Normalise(low=0, high=255),))


@pytest.fixture
def inputs(drawn_benchmark):
    benchmark = open_benchmark(drawn_benchmark)
    return InputFrames(benchmark, CHAIN, benchmark.frames)


def train_batches(inputs, **changes):
    frames = load_split(inputs.benchmark, "listed").of("train")
    batches = TrainingBatches(inputs, frames, AugmentSettings(), 2, (32, 48), seed=3)
    return replace(batches, **changes)


def test_inputs_are_in_the_input_range(inputs, drawn_frames):
    frame = inputs.benchmark.frames[2]
    np.testing.assert_allclose(inputs.image(frame), drawn_frames[0][2] / 255, atol=1e-6)
    np.testing.assert_array_equal(inputs.labels(frame), drawn_frames[1][2])


def test_a_stack_is_normalised_as_when_it_is_segmented(drawn_benchmark, drawn_frames):
    chain = Chain((Normalise(),))
    benchmark = open_benchmark(drawn_benchmark)
    inputs = InputFrames(benchmark, chain, benchmark.frames)
    whole = chain.apply(stack_from_array(drawn_frames[0]))
    for t, frame in enumerate(inputs.benchmark.frames):
        np.testing.assert_array_equal(inputs.image(frame), whole.read(t))


def test_an_epoch_depends_on_seed_and_number_alone(inputs):
    first = list(train_batches(inputs).epoch(4))
    again = list(train_batches(inputs).epoch(4))
    for (x, y), (x2, y2) in zip(first, again, strict=True):
        np.testing.assert_array_equal(x, x2)
        np.testing.assert_array_equal(y, y2)
    other = next(train_batches(inputs).epoch(5))
    assert not np.array_equal(first[0][0], other[0])
    assert not np.array_equal(first[0][0], next(train_batches(inputs, seed=4).epoch(4))[0])


def test_every_image_comes_and_batches_are_even(inputs, drawn_frames):
    batches = list(train_batches(inputs, augment=PLAIN).epoch(0))
    assert [len(x) for x, _ in batches] == [2, 2, 2]  # five images, one of them twice
    seen = np.concatenate([y for _, y in batches])
    expected = {frame.tobytes() for frame in drawn_frames[1][:5]}
    assert {frame.tobytes() for frame in seen} == expected
    assert batches[0][0].shape == (2, 32, 48, 1)
    assert batches[0][0].dtype == np.float32


def test_a_share_of_crops_is_added(inputs):
    batches = train_batches(inputs, draws=12)
    assert batches.n_samples == 66  # 60 images and 10 % crops
    assert sum(len(x) for x, _ in batches.epoch(0)) == 66


def test_image_and_labels_stay_together(inputs):
    """The grey value of every pixel still tells its class after crops, flips and padding."""
    augment = AugmentSettings(brightness=0, noise=0, flip_vertical=True, crop_share=0)
    batches = train_batches(inputs, augment=augment, shape=(16, 64), draws=5)
    x, y = (np.concatenate(part) for part in zip(*batches.epoch(0), strict=True))
    for code, grey in ((1, 220), (3, 90), (4, 30)):
        assert abs(x[..., 0][y == code].mean() * 255 - grey) < 3
    assert (y == 0).mean() == pytest.approx(16 / 64)  # what was padded is unlabelled


def test_enlarged_crops_keep_shape_and_codes(rng, drawn_frames):
    image, labels = drawn_frames[0][0].astype(np.float32), drawn_frames[1][0]
    for _ in range(20):
        large, codes = enlarged_crop(image, labels, rng)
        assert large.shape == codes.shape == image.shape
        assert set(np.unique(codes)) <= set(np.unique(labels))
        substrate = large[codes == 3]
        assert abs(substrate.mean() - 90) < 6


def test_brightness_and_noise_stay_in_the_range(rng):
    image = rng.random((32, 48), np.float32) * 255
    labels = np.ones((32, 48), np.uint8)
    settings = AugmentSettings(brightness=0.5, noise=0.2)
    changed, _ = augmented(image, labels, rng, settings, span=(0, 255))
    assert 0 <= changed.min() < changed.max() <= 255
    assert np.abs(changed - image).mean() > 5
    assert changed.dtype == np.float32


def test_images_of_many_sizes_train_together(inputs, drawn_frames):
    small = Experiment(experiment="small")
    add_frames(
        inputs.benchmark,
        stack_from_array(drawn_frames[0][:2, :20, :30]),
        stack_from_array(drawn_frames[1][:2, :20, :30]),
        small,
    )
    benchmark = open_benchmark(inputs.benchmark.folder)
    frames = benchmark.frames
    inputs = InputFrames(benchmark, CHAIN, frames)
    assert training_shape(inputs, frames, (0, 0), 16) == (32, 48)
    assert training_shape(inputs, frames, (10, 0), 16) == (16, 48)
    batches = TrainingBatches(inputs, frames, AugmentSettings(), 4, (32, 48))
    assert {x.shape[1:] for x, _ in batches.epoch(0)} == {(32, 48, 1)}
    whole = list(WholeFrames(inputs, frames, 4, 16))
    assert [x.shape for x, _ in whole] == [(4, 32, 48, 1), (4, 32, 48, 1), (2, 32, 32, 1)]
    labelled = sum(int((y > 0).sum()) for _, y in whole)
    assert labelled == int((drawn_frames[1] > 0).sum()) + 2 * 20 * 30


def test_a_short_last_batch_is_filled_with_nothing(inputs):
    whole = list(WholeFrames(inputs, inputs.benchmark.frames, 3, 16))
    assert [x.shape[0] for x, _ in whole] == [3, 3, 3]
    assert not whole[-1][1][2].any()


def test_class_pixels_and_weights(inputs, drawn_frames):
    counts = count_labels(inputs.benchmark, inputs.benchmark.frames)
    assert counts.total.tolist() == [8 * 45, 8 * 9, 8 * (20 * 48 - 54), 8 * 12 * 48, 0]
    inverse = class_weights(counts.total, "inverse")
    assert inverse[4] == 0  # powder is absent
    assert inverse[1] / inverse[0] == pytest.approx(5)
    root = class_weights(counts.total, "sqrt")
    assert root[1] / root[0] == pytest.approx(5**0.5)
    assert np.mean(root[:4]) == pytest.approx(1)
    assert class_weights(counts.total, "none") == (1, 1, 1, 1, 0)
    with pytest.raises(ValueError, match="nothing to learn"):
        class_weights(np.zeros(5, np.int64))


def test_changed_labels_change_the_hash(inputs):
    frames = inputs.benchmark.frames
    before = count_labels(inputs.benchmark, frames)
    assert count_labels(inputs.benchmark, frames).sha256 == before.sha256
    import tifffile

    labels = inputs.benchmark.labels(frames[0])
    labels[0, 0] = 3
    tifffile.imwrite(inputs.benchmark.label_path(frames[0]), labels, photometric="minisblack")
    assert count_labels(inputs.benchmark, frames).sha256 != before.sha256


def test_unknown_codes_are_named(inputs):
    import tifffile

    frame = inputs.benchmark.frames[1]
    labels = inputs.benchmark.labels(frame)
    labels[:3] = 77
    tifffile.imwrite(inputs.benchmark.label_path(frame), labels, photometric="minisblack")
    with pytest.raises(ValueError, match=r"drawn/.*1: code 77 \(144 pixels\)"):
        count_labels(inputs.benchmark, inputs.benchmark.frames)


def test_labels_of_another_size_are_named(inputs):
    import tifffile

    frame = inputs.benchmark.frames[1]
    large = np.full((64, 96), 3, np.uint8)
    tifffile.imwrite(inputs.benchmark.label_path(frame), large, photometric="minisblack")
    with pytest.raises(ValueError, match=r"drawn/0001: image is \(32, 48\), labels are \(64, 96\)"):
        count_labels(inputs.benchmark, inputs.benchmark.frames)


def test_changed_images_change_the_hash(inputs):
    import tifffile

    frames = inputs.benchmark.frames
    before = count_labels(inputs.benchmark, frames)
    image = inputs.benchmark.image(frames[0])
    tifffile.imwrite(inputs.benchmark.image_path(frames[0]), 255 - image, photometric="minisblack")
    assert count_labels(inputs.benchmark, frames).sha256 != before.sha256


def test_frames_outside_the_split_do_not_move_the_grey_limits(drawn_benchmark):
    benchmark = open_benchmark(drawn_benchmark)
    frames = benchmark.frames[:3]
    chain = Chain((Normalise(),))
    few = InputFrames(benchmark, chain, frames)
    few.prepare(frames)
    whole = chain.fit(benchmark.stack(frames))
    assert few.fitted == {str(frames[0]): whole.to_json()}
