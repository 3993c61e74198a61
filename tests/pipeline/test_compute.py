"""The compute process: a real child, its answers, its cancel, its crashes, its end."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_amseg.pipeline.compute import job_parts
from napari_amseg.pipeline.jobs import (
    Doing,
    Failed,
    Finished,
    FrameDone,
    Glimpse,
    Prepare,
    Prepared,
    SegmentJob,
    Started,
)
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.preprocess import Chain, Crop
from napari_amseg.segment import PostSettings, SegmentSettings
from napari_amseg.types import Experiment

MAKE_BUNDLE = """
import sys
from napari_amseg.models.backend import keras
from napari_amseg.models import ModelCard, build, save_bundle
from napari_amseg.preprocess import Chain, Normalise
keras.utils.set_random_seed(7)
card = ModelCard("amsegnet", {"filters": 2}, chain=Chain((Normalise(),)))
save_bundle(sys.argv[1], build("amsegnet", n_classes=5, filters=2), card)
"""


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "random"
    subprocess.run(
        [sys.executable, "-c", MAKE_BUNDLE, str(folder)], check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def process():
    child = ComputeProcess()
    yield child
    child.close()


@pytest.fixture
def job(tmp_path, bundle_folder, frames) -> SegmentJob:
    """Six frames on disk, frame 4 first, cropped to 24x48."""
    source, out = tmp_path / "stack.tif", tmp_path / "labels.npy"
    tifffile.imwrite(source, frames, photometric="minisblack", metadata=None)
    np.lib.format.open_memmap(out, mode="w+", dtype=np.uint8, shape=(6, 24, 48)).flush()
    return SegmentJob(
        files=(str(source),),
        array=None,
        experiment=Experiment(pixel_size_um=2.0, frame_rate_hz=1000.0),
        chain=Chain((Crop(y0=4, y1=28),)).to_json(),
        bundle=str(bundle_folder),
        order=(4, 0, 1, 2, 3, 5),
        out=str(out),
    )


def run(process, request, cancel=None):
    return list(process.run(request, cancel or threading.Event()))


def test_a_job_fills_the_shared_labels_and_reports_every_frame_the_shown_one_first(process, job):
    opening, sampling, loading, started, *done, finished = run(process, job)
    assert [a.what for a in (opening, sampling, loading)] == [
        "opening the stack", "sampling its grey values", "loading the model"
    ]  # fmt: skip
    assert isinstance(started, Started)
    assert started.engine in ("keras", "openvino")
    assert [d.frame for d in done] == [4, 0, 1, 2, 3, 5]
    assert done[0].row["time_s"] == pytest.approx(0.004)
    assert isinstance(finished, Finished)
    assert not finished.cancelled
    assert [s["step"] for s in finished.chain["steps"]] == ["crop"]
    assert finished.model["input"]["steps"][0]["low"] is not None
    labels = np.load(job.out)
    assert labels.min() >= 1
    assert labels.max() <= 5
    for d in done:
        area = np.count_nonzero(labels[d.frame] == 1)
        assert d.row["keyhole_area_px"] == area
        assert d.row["keyhole_area_um2"] == pytest.approx(4 * area)


def test_confidence_goes_into_a_shared_file_and_labels_are_post_processed(process, job, tmp_path):
    run(process, job)
    plain = np.load(job.out)
    path = tmp_path / "confidence.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(6, 24, 48)).flush()
    post = PostSettings(smallest_keyhole_px=10_000, smallest_pore_px=10_000)
    answers = run(process, replace(job, confidence=str(path), post=post))
    done = [answer for answer in answers if isinstance(answer, FrameDone)]
    assert isinstance(answers[-1], Finished)
    confidence = np.load(path)
    assert confidence.min() >= 50  # the most probable of five classes has at least a fifth
    assert np.unique(confidence).size > 10
    assert not np.array_equal(np.load(job.out), plain)
    assert all(0 < d.row["uncertainty"] <= 1 for d in done)


@pytest.mark.parametrize("first", [0, 3, 5])
def test_which_frame_is_looked_at_changes_no_number(process, job, first):
    """Keras computes several frames a call, and their numbers depend on what else is in it."""
    keras = replace(job, settings=SegmentSettings(engine="keras", batch_size=2))
    in_turn = [
        a for a in run(process, replace(keras, order=(*range(6),))) if isinstance(a, FrameDone)
    ]
    expected = np.load(job.out)
    answers = run(process, replace(keras, order=(*range(first, 6), *range(first))))
    glimpses = [a.frame for a in answers if isinstance(a, Glimpse)]
    assert glimpses == ([first] if first % 2 else [])
    done = sorted((a for a in answers if isinstance(a, FrameDone)), key=lambda d: d.frame)
    assert [(d.row, d.pores) for d in done] == [(d.row, d.pores) for d in in_turn]
    assert np.array_equal(np.load(job.out), expected)


def test_calls_hold_the_frames_that_they_hold_in_turn():
    assert job_parts((5, 6, 0, 1, 2, 3, 4), 7, 1) == ((5,), (6, 0, 1, 2, 3, 4))
    assert job_parts((5, 6, 0, 1, 2, 3, 4), 7, 3) == (range(3, 7), range(3))
    assert job_parts((4, 2), 7, 3) == ((4,), (2,))
    assert job_parts((), 7, 1) == ((), ())


def test_frames_in_memory_travel_through_a_file_and_give_the_same_labels(
    process, job, frames, tmp_path
):
    run(process, job)
    expected = np.load(job.out)
    np.save(tmp_path / "frames.npy", frames)
    np.lib.format.open_memmap(job.out, mode="r+")[:] = 0
    run(process, replace(job, files=(), array=str(tmp_path / "frames.npy")))
    assert np.array_equal(np.load(job.out), expected)


def test_the_child_is_reused_and_a_prepared_model_answers_with_its_device(process, job):
    (prepared,) = run(process, Prepare(job.bundle, frame_shape=(24, 48)))
    pid = process.pid
    assert isinstance(prepared, Prepared)
    assert prepared.device
    run(process, job)
    assert process.pid == pid


def test_wrong_input_comes_back_as_one_line_and_leaves_the_child_alive(process, job):
    failed = run(process, replace(job, files=("there/is/no.tif",)))[-1]
    assert isinstance(failed, Failed)
    assert "no such file" in failed.message
    assert "Traceback" in failed.details
    pid = process.pid
    (failed,) = run(process, replace(job, bundle="no-such-model"))
    assert "no model bundle" in failed.message
    chain = Chain((Crop(y0=4, y1=20),)).to_json()
    assert "have its files changed" in run(process, replace(job, chain=chain))[-1].message
    assert process.pid == pid


def test_a_cancelled_job_says_so_and_stops_early(process, job):
    cancel = threading.Event()
    seen = []
    many = replace(job, order=job.order * 200)
    for answer in process.run(many, cancel):
        seen.append(answer)
        if isinstance(answer, FrameDone):
            cancel.set()
    assert isinstance(seen[-1], Finished)
    assert seen[-1].cancelled
    assert len(seen) < 1000
    assert isinstance(run(process, job)[-1], Finished)


@pytest.mark.parametrize("phase", ["before it connects", Doing, Started, FrameDone])
def test_a_cancel_ends_a_job_in_every_phase_and_the_next_job_runs(job, phase):
    process, cancel, answers = ComputeProcess(), threading.Event(), []
    if phase == "before it connects":
        threading.Timer(0.1, cancel.set).start()
    for answer in process.run(replace(job, order=job.order * 5000), cancel):
        answers.append(answer)
        if not isinstance(phase, str) and isinstance(answer, phase) and not cancel.is_set():
            cancel.set()
    assert isinstance(answers[-1], Finished)
    assert answers[-1].cancelled
    if not isinstance(phase, str):
        assert sum(isinstance(answer, FrameDone) for answer in answers) < 30_000
    assert not run(process, job)[-1].cancelled
    process.close()


def test_a_job_says_what_it_waits_for_and_can_be_cancelled_meanwhile(process, job):
    first, cancel = (
        process.run(replace(job, order=job.order * 5000), threading.Event()),
        (threading.Event()),
    )
    next(first)
    answers = []
    for answer in process.run(job, cancel):
        answers.append(answer)
        cancel.set()
    assert answers == [Doing("waiting for another job to end"), Finished(cancelled=True)]
    first.close()


def test_a_child_that_does_not_listen_is_ended_in_time():
    deaf = (
        "import sys, json, time\nfrom multiprocessing.connection import Client\n"
        "h = json.loads(sys.stdin.readline())\n"
        "c = Client(h['address'], authkey=bytes.fromhex(h['authkey']))\ntime.sleep(600)"
    )
    process, cancel = ComputeProcess((sys.executable, "-c", deaf)), threading.Event()
    threading.Timer(0.5, cancel.set).start()
    assert run(process, Prepare("any"), cancel) == [Finished(cancelled=True)]
    assert process.pid is None


@pytest.mark.parametrize("moment", ["before it connects", "after it connected"])
def test_a_crash_is_reported_with_the_childs_last_words(moment):
    code = "raise SystemExit('no memory left on the device')"
    if moment == "after it connected":
        code = (
            "import sys, json\nfrom multiprocessing.connection import Client\n"
            "h = json.loads(sys.stdin.readline())\n"
            f"Client(h['address'], authkey=bytes.fromhex(h['authkey'])).recv()\n{code}"
        )
    (failed,) = run(ComputeProcess((sys.executable, "-c", code)), Prepare("any"))
    assert isinstance(failed, Failed)
    assert "no memory left on the device" in failed.message
    assert "exit code 1" in failed.message


def test_the_child_ends_when_its_parent_is_killed():
    psutil = pytest.importorskip("psutil")
    code = (
        "import threading, time\nfrom napari_amseg.pipeline.supervise import ComputeProcess\n"
        "from napari_amseg.pipeline.jobs import Prepare\np = ComputeProcess()\n"
        "list(p.run(Prepare('none'), threading.Event()))\nprint(p.pid, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert not psutil.wait_procs([child], timeout=10)[1]
