"""Training as a whole, on drawn frames that a small network learns in seconds."""

import csv
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import h5py
import numpy as np
import pytest
import tifffile

from napari_amseg.dataset import add_frames, create_benchmark, open_benchmark
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import load_bundle
from napari_amseg.train import (
    EpochDone,
    StepDone,
    TrainFinished,
    TrainRequest,
    TrainSettings,
    TrainStarted,
)
from napari_amseg.train.checkpoint import read_state
from napari_amseg.train.run import train_bundle
from napari_amseg.types import Experiment, stack_from_array

SETTINGS = TrainSettings(
    epochs=3, batch_size=4, learning_rate=5e-3, crop_rows=32, crop_columns=48, draws=2
)
# Most of a short training is the compiling of its first step, so tests share what they can.
LEARNING = replace(SETTINGS, epochs=6, draws=12)


def request_for(benchmark, folder) -> TrainRequest:
    return TrainRequest(
        benchmark=benchmark,
        folder=folder,
        arguments={"filters": 1},
        settings=SETTINGS,
        augment=AugmentSettings(noise=0.05),
    )


@pytest.fixture
def request_(drawn_benchmark, tmp_path):
    return request_for(drawn_benchmark, tmp_path / "model")


@pytest.fixture(scope="module")
def to_learn(shared_benchmark, tmp_path_factory):
    """The request of a training that is long enough to learn something."""
    folder = tmp_path_factory.mktemp("learnt")
    return replace(
        request_for(shared_benchmark, folder / "model"),
        settings=LEARNING,
        arguments={"filters": 2},
        preview=folder / "preview.npy",
    )


@pytest.fixture(scope="module")
def learnt(to_learn):
    """Events of that training to its end."""
    return list(train_bundle(to_learn))


@pytest.fixture(scope="module")
def cut_short(to_learn, tmp_path_factory):
    """The same training into another folder, cancelled after its first epoch: folder and events."""
    request = replace(to_learn, folder=tmp_path_factory.mktemp("cut") / "model", preview=None)
    seen = []

    def cancelled():
        return any(isinstance(e, EpochDone) for e in seen)

    for event in train_bundle(request, cancelled=cancelled):
        seen.append(event)
    return request.folder, seen


@pytest.fixture
def resumable(to_learn, cut_short, tmp_path):
    """The request to go on with the cancelled training; its files are this test's own."""
    for source, name in ((cut_short[0], "model"), (to_learn.benchmark, "benchmark")):
        shutil.copytree(source, tmp_path / name)
    return TrainRequest(tmp_path / "benchmark", tmp_path / "model", resume=True)


def arrays_of(path):
    """Every array of an HDF5 file by name."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def assert_equal_weights(folder, other):
    ours, theirs = (arrays_of(f / "model.weights.h5") for f in (folder, other))
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def test_it_learns_and_leaves_a_whole_record(to_learn, learnt):
    request_, events = to_learn, learnt
    started, finished = events[0], events[-1]
    assert isinstance(started, TrainStarted)
    assert (started.n_train, started.n_validation, started.steps) == (5, 1, 17)
    assert started.shape == (32, 48)
    assert "powder" in started.notes[0]
    assert finished.epochs_done == 6
    assert finished.stopped == ""
    rows = [e.row for e in events if isinstance(e, EpochDone)]
    assert rows[-1]["loss"] < 0.9 * rows[0]["loss"]
    best = max(rows, key=lambda row: row["validation_mean_iou"])
    assert best["validation_mean_iou"] > 0.5
    assert best["epoch"] == finished.best_epoch
    rates = [row["learning_rate"] for row in rows]
    assert rates[0] == pytest.approx(5e-3)
    assert rates == sorted(rates, reverse=True)

    with open(request_.folder / "training.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in table] == list(range(1, 7))
    assert float(table[-1]["loss"]) == pytest.approx(rows[-1]["loss"], rel=1e-6)

    card = load_bundle(request_.folder).card
    assert card.scores["validation"]["mean_iou"] == best["validation_mean_iou"]
    assert card.training["epoch"] == best["epoch"]
    assert card.training["settings"]["epochs"] == 6
    assert card.training["augmentation"]["noise"] == 0.05
    assert card.training["training_pixels"]["pore"] == 5 * 9
    assert card.training["split"]["name"] == "listed"
    assert card.training["class_weights"]["powder"] == 0
    assert not any("optimizer" in name for name in arrays_of(request_.folder / "model.weights.h5"))


def test_the_bundle_segments_as_its_scores_say(to_learn, learnt):
    """The stored model in inference mode reaches the score found during training."""
    from napari_amseg.dataset.inputs import InputFrames
    from napari_amseg.scores import Confusion

    bundle = load_bundle(to_learn.folder)
    benchmark = open_benchmark(to_learn.benchmark)
    inputs, frame = InputFrames(benchmark, bundle.card.chain, benchmark.frames), benchmark.frames[5]
    scores = np.asarray(bundle.model(inputs.image(frame)[None, ..., None]))[0]
    confusion = Confusion(benchmark.scheme)
    confusion.add(benchmark.labels(frame), (scores.argmax(-1) + 1).astype(np.uint8))
    found = confusion.to_json()["mean_iou"]
    assert found == pytest.approx(bundle.card.scores["validation"]["mean_iou"], abs=0.01)


@pytest.mark.slow
def test_a_cancelled_training_goes_on_to_the_same_weights(to_learn, learnt, resumable):
    expected = [e.row for e in learnt if isinstance(e, EpochDone)]
    resumed = list(train_bundle(resumable))
    assert resumed[0].epochs_done == 1
    rows = [*resumed[0].history, *(e.row for e in resumed if isinstance(e, EpochDone))]
    for row, wanted in zip(rows, expected, strict=True):
        assert {**row, "seconds": 0} == {**wanted, "seconds": 0}
    assert_equal_weights(resumable.folder, to_learn.folder)
    assert len((resumable.folder / "training.csv").read_text().splitlines()) == 7


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(request_, tmp_path):
    """Killed hard in the middle of the third epoch; the second half replays what is missing."""
    settings = replace(SETTINGS, epochs=5)
    whole = replace(request_, folder=tmp_path / "whole", settings=settings)
    expected = [e.row for e in train_bundle(whole) if isinstance(e, EpochDone)]
    killed = replace(request_, settings=settings)
    script = (
        "import os, pickle, signal, sys\n"
        "from napari_amseg.train.run import train_bundle\n"
        "request = pickle.load(open(sys.argv[1], 'rb'))\n"
        "for event in train_bundle(request):\n"
        "    if type(event).__name__ == 'StepDone' and event.epoch == 3:\n"
        "        print('third epoch', flush=True); signal.pause()\n"
    )
    (tmp_path / "request").write_bytes(pickle.dumps(killed))
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "request")], stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"third epoch\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert read_state(killed.folder).epochs_done == 2
    resumed = list(train_bundle(replace(killed, resume=True)))
    assert resumed[0].epochs_done == 2
    rows = [*resumed[0].history, *(e.row for e in resumed if isinstance(e, EpochDone))]
    for row, wanted in zip(rows, expected, strict=True):
        assert {**row, "seconds": 0} == {**wanted, "seconds": 0}
    assert_equal_weights(killed.folder, whole.folder)
    assert len((killed.folder / "training.csv").read_text().splitlines()) == 6


def test_resuming_needs_the_same_plan_and_labels(resumable):
    with pytest.raises(FileExistsError, match="model already"):
        next(train_bundle(replace(resumable, resume=False)))
    longer = replace(resumable, settings=replace(LEARNING, epochs=9))
    with pytest.raises(ValueError, match=r"epochs is 9, but .* started with 6"):
        next(train_bundle(longer))
    assert next(train_bundle(resumable)).epochs == 6  # what is not given is in the checkpoint
    benchmark = open_benchmark(resumable.benchmark)
    path = benchmark.label_path(benchmark.frames[0])
    tifffile.imwrite(path, np.full((32, 48), 3, np.uint8), photometric="minisblack")
    with pytest.raises(ValueError, match="have changed since"):
        next(train_bundle(resumable))


def test_a_damaged_checkpoint_is_explained(resumable):
    path = resumable.folder / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        next(train_bundle(resumable))


def test_resume_without_a_checkpoint_is_explained(request_):
    with pytest.raises(FileNotFoundError, match="nothing to resume"):
        next(train_bundle(replace(request_, resume=True)))


def test_a_cancel_keeps_the_best_epoch(cut_short):
    folder, seen = cut_short
    assert seen[-1] == replace(seen[-1], stopped="cancelled", epochs_done=1, best_epoch=1)
    assert load_bundle(folder).model is not None


@pytest.mark.slow
def test_early_stopping(request_):
    settings = replace(SETTINGS, epochs=30, learning_rate=1e-7, early_stopping=2)
    finished = list(train_bundle(replace(request_, settings=settings)))[-1]
    assert finished.stopped == "early stopping"
    assert finished.epochs_done == finished.best_epoch + 2


def test_transfer_to_other_classes(to_learn, learnt, request_, tmp_path, drawn_frames):
    """A model of five classes goes on with two, its encoder kept bit for bit."""
    scheme = DEFAULT_SCHEME.subset(["pore", "substrate"])
    two = create_benchmark(tmp_path / "two", scheme)
    truth = np.where(drawn_frames[1] == 2, 2, 3).astype(np.uint8)
    add_frames(two, stack_from_array(drawn_frames[0]), stack_from_array(truth), Experiment("drawn"))
    transfer = replace(
        request_,
        benchmark=two.folder,
        folder=tmp_path / "two-classes",
        arguments={},
        init=str(to_learn.folder),
        freeze_encoder=True,
    )
    started = next(iter(events := train_bundle(transfer)))
    assert any("made 'random'" in note for note in started.notes)
    assert any("new head" in note for note in started.notes)
    list(events)
    bundle = load_bundle(transfer.folder)
    assert bundle.card.scheme == scheme
    assert bundle.card.training["started_from"]["name"] == "model"
    before, after = load_bundle(to_learn.folder).model, bundle.model
    for layer in after.layers:
        pairs = zip(layer.get_weights(), before.get_layer(layer.name).get_weights(), strict=True)
        if layer.name.startswith("encoder_"):
            assert all(np.array_equal(a, b) for a, b in pairs), layer.name


def test_a_preview_of_the_telling_frame(to_learn, learnt):
    assert str(learnt[0].preview_frame) == "drawn/0005"
    labels = np.load(to_learn.preview)
    assert labels.shape == (32, 48)
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) <= set(DEFAULT_SCHEME.codes)


def test_an_empty_benchmark_and_blank_labels_are_explained(request_, tmp_path, drawn_frames):
    empty = create_benchmark(tmp_path / "empty")
    with pytest.raises(ValueError, match="no image with labels"):
        next(train_bundle(replace(request_, benchmark=empty.folder)))
    benchmark = open_benchmark(request_.benchmark)
    for frame in benchmark.frames:
        path = benchmark.label_path(frame)
        tifffile.imwrite(path, np.zeros((32, 48), np.uint8), photometric="minisblack")
    with pytest.raises(ValueError, match="no pixel of these frames is labelled"):
        next(train_bundle(request_))
    assert not request_.folder.exists()


def test_unknown_networks_and_arguments_are_refused(request_):
    with pytest.raises(ValueError, match="no network named 'vnet'"):
        next(train_bundle(replace(request_, architecture="vnet")))
    with pytest.raises(ValueError, match="no argument depth"):
        next(train_bundle(replace(request_, arguments={"depth": 3})))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="needs RLIMIT_FSIZE")
def test_a_full_disk_keeps_the_last_checkpoint(request_, monkeypatch):
    """The file size limit stands in for a full disk: writing fails in the middle of a file."""
    import resource

    events = train_bundle(request_)
    for event in events:
        if isinstance(event, EpochDone):
            break
    kept = (request_.folder / "checkpoint.npz").read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) // 2, before[1]))
    try:
        with pytest.raises(OSError, match=r"too large|No space|write"):
            list(events)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (request_.folder / "checkpoint.npz").read_bytes() == kept
    assert load_bundle(request_.folder).model is not None
    finished = list(train_bundle(replace(request_, resume=True)))[-1]
    assert isinstance(finished, TrainFinished)
    assert finished.epochs_done == 3
    assert not list(request_.folder.glob(".*"))
    assert not list(request_.folder.parent.glob(".*.part"))


@pytest.mark.slow
def test_steps_report_the_time_left(request_):
    steps = [e for e in train_bundle(request_) if isinstance(e, StepDone)]
    assert steps[-1].step == steps[-1].steps == 3
    assert steps[-1].seconds_left == pytest.approx(0, abs=1e-6)
    assert steps[0].seconds_left > 0


def test_a_cancel_is_heard_within_a_step(request_):
    settings = replace(SETTINGS, epochs=1000)
    stop = []
    events = train_bundle(replace(request_, settings=settings), cancelled=lambda: bool(stop))
    next(events), next(events)
    stop.append(True)
    asked = time.monotonic()
    assert list(events)[-1].stopped == "cancelled"
    assert time.monotonic() - asked < 10


@pytest.mark.slow
def test_a_kill_before_the_first_epoch_ends_can_be_resumed(request_, tmp_path):
    events = train_bundle(request_)
    assert next(events).epochs_done == 0
    kept = (request_.folder / "checkpoint.npz").read_bytes()  # what a kill would leave
    events.close()
    assert not request_.folder.exists()  # a clean end leaves nothing to trip over
    request_.folder.mkdir()
    (request_.folder / "checkpoint.npz").write_bytes(kept)
    resumed = list(train_bundle(replace(request_, resume=True)))
    whole = replace(request_, folder=tmp_path / "whole")
    list(train_bundle(whole))
    assert resumed[-1].epochs_done == 3
    assert_equal_weights(request_.folder, whole.folder)


@pytest.mark.slow
def test_a_spoilt_bundle_and_foreign_files_do_not_stop_a_resume(request_):
    for event in train_bundle(request_):
        if isinstance(event, EpochDone):
            break
    (request_.folder / "notes.txt").write_text("mine")
    weights = request_.folder / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert list(train_bundle(replace(request_, resume=True)))[-1].best_epoch in (2, 3)
    assert load_bundle(request_.folder).model is not None
    assert (request_.folder / "notes.txt").read_text() == "mine"


def test_changed_images_are_not_resumed(resumable):
    benchmark = open_benchmark(resumable.benchmark)
    frame = benchmark.frames[0]
    inverted = 255 - benchmark.image(frame)
    tifffile.imwrite(benchmark.image_path(frame), inverted, photometric="minisblack")
    with pytest.raises(ValueError, match=r"images or labels .* have changed"):
        next(train_bundle(resumable))


def test_a_place_that_cannot_be_written_to_is_found_out_first(request_, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "model"):
        with pytest.raises(OSError, match="file"):
            next(train_bundle(replace(request_, folder=folder)))
    assert (tmp_path / "file").read_text() == ""


def test_validation_images_without_labels_are_left_out(request_):
    benchmark = open_benchmark(request_.benchmark)
    path = benchmark.label_path(benchmark.frames[5])
    tifffile.imwrite(path, np.zeros((32, 48), np.uint8), photometric="minisblack")
    started = next(iter(events := train_bundle(request_)))
    events.close()
    assert started.n_validation == 0
    assert any("validation images is labelled" in note for note in started.notes)
