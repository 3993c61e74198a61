"""Kill -9 at any moment: at most the last few seconds are lost, and every file can be read."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.backups import list_backups
from napari_amseg.annotate.load import load_frames
from napari_amseg.annotate.recovery import list_working_copies
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.annotate.save import FrameToSave, Saved, SaveTarget, save_frames
from napari_amseg.annotate.working_copy import WorkingCopy
from napari_amseg.dataset import FrameId, check_benchmark, open_benchmark
from napari_amseg.dataset.annotation_status import COMPLETE, read_statuses, status_path
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.types import Experiment

SCRIPT = Path(__file__).with_name("annotator.py")
ANNOTATOR = runpy.run_path(str(SCRIPT))
N_FRAMES = ANNOTATOR["SHAPE"][0]
AUTOSAVE_S = 0.3
MARGIN_S = 1.5  # for a computer that is busy with other things


def killed_after(delay_s, *arguments):
    """What the annotator said until it was killed `delay_s` after its first word, and when."""
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # unbuffered: `communicate` would pass over what `readline` had read ahead
    with subprocess.Popen(command, bufsize=0, **pipes) as process:
        first = process.stdout.readline()
        time.sleep(delay_s)
        killed_at = time.time()
        process.kill()
        rest, errors = process.communicate()
    assert process.returncode not in (0, 1), errors.decode()
    lines = (first + rest).splitlines(keepends=True)
    said = [json.loads(line) for line in lines if line.endswith(b"\n")]
    assert not [record for record in said if "error" in record]
    return said, killed_at


def strokes_kept(work, strokes):
    """How many of the strokes on a frame give just what was kept; None if no number does."""
    labels, by_hand = np.zeros_like(work.labels), np.zeros_like(work.by_hand)
    status, found = Status.UNTOUCHED, None
    for n, stroke in enumerate((None, *strokes)):
        if stroke is not None:
            status = max(status, ANNOTATOR["paint"](stroke, labels, by_hand))
        same = np.array_equal(labels, work.labels) and np.array_equal(by_hand, work.by_hand)
        if same and status == work.status:
            found = n
    return found


def assert_nothing_older_is_lost(root, strokes, killed_at):
    """Returns how long before the kill the oldest lost stroke was painted, in seconds."""
    (found,) = list_working_copies(root)
    assert found.faults == ()
    assert found.owner_alive is False
    assert found.n_unsaved == found.n_frames
    copy, lost_s = WorkingCopy.claim(found.folder), 0.0
    for t in range(N_FRAMES):
        on_frame = [stroke for stroke in strokes if t in stroke["frames"]]
        kept = strokes_kept(copy.read_frame(t), on_frame) if t in copy.frames() else 0
        assert kept is not None, f"frame {t} is no replay of its strokes"
        lost_s = max([lost_s, *(killed_at - stroke["time"] for stroke in on_frame[kept:])])
    assert lost_s < AUTOSAVE_S + MARGIN_S
    return lost_s


def kill_painters(folder, n, seed):
    """Kill `n` annotators while they paint; returns the seconds of work that each lost."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        root = folder / str(i)
        strokes, killed_at = killed_after(rng.uniform(0, 3), "paint", root, seed + i, AUTOSAVE_S)
        yield assert_nothing_older_is_lost(root, strokes, killed_at)


def assert_old_or_new(folder, experiment, version):
    """Every label image is whole, of this version or the one before, and says no more than is true.

    Returns the versions found.
    """
    bench = open_benchmark(folder)
    rows = read_statuses(status_path(folder, experiment))
    versions = []
    for frame in load_frames(bench, experiment):
        t = int(frame.name)
        expected = {v: ANNOTATOR["version_labels"](v, t) for v in (version, version - 1)}
        found = [v for v, labels in expected.items() if np.array_equal(labels, frame.labels)]
        assert found, f"{frame.name} is neither version {version} nor the one before"
        versions += found
        if ANNOTATOR["version_status"](found[0], t) != Status.COMPLETE:
            assert frame.name in rows, "labels in progress count as complete"
            assert rows[frame.name].status != COMPLETE
    images = ANNOTATOR["stack_images"]()
    for path in (folder / "images" / experiment).glob("[!.]*.tif"):
        image = bench.image(FrameId(experiment, path.stem))
        np.testing.assert_array_equal(image, images.read(int(path.stem)))
    for backup in list_backups(folder, experiment):
        backup.labels()
    return versions


def kill_savers(folder, n, seed):
    """Kill `n` annotators while they save, five in a row into one experiment."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        if i % 5 == 0:
            version = 1
        experiment = f"run{i // 5}"
        delay_s = rng.uniform(0, 0.3 if i % 5 == 0 else 1)  # a new one is killed while it begins
        said, _ = killed_after(delay_s, "save", folder, experiment, version)
        version = said[-1]["version"]
        if (folder / "benchmark.json").exists():
            yield assert_old_or_new(folder, experiment, version)
        assert_next_save_repairs(folder, experiment, version)
        version += 1


def assert_next_save_repairs(folder, experiment, version):
    """A session that goes on from what the killed one left: all is saved, nothing is at odds."""
    base = {}
    if (folder / "benchmark.json").exists():
        base = {f.name: f.sha256 for f in load_frames(open_benchmark(folder), experiment)}
    frames = [
        FrameToSave(
            t, name, ANNOTATOR["version_labels"](version, t),
            ANNOTATOR["version_status"](version, t), base.get(name),
        )
        for t in range(N_FRAMES) for name in (f"{t:04d}",)
    ]  # fmt: skip
    target = SaveTarget(folder, Experiment(experiment=experiment), DEFAULT_SCHEME, "Ann")
    patient = SafetySettings(lock_wait_s=90)  # an unreadable lock counts for a minute
    outcomes = list(save_frames(target, ANNOTATOR["stack_images"](), frames, settings=patient))
    assert all(isinstance(outcome, Saved) for outcome in outcomes)
    found = list(load_frames(open_benchmark(folder), experiment))
    assert [(f.name, f.status) for f in found] == [(f.name, f.status) for f in frames]
    assert not [str(finding) for finding in check_benchmark(folder) if finding.error]


def test_painters_killed_a_few_times(tmp_path):
    assert len(list(kill_painters(tmp_path, 3, seed=100))) == 3


def test_savers_killed_a_few_times(tmp_path):
    assert len(list(kill_savers(tmp_path / "bench", 3, seed=200))) <= 3


@pytest.mark.slow
def test_painters_killed_fifty_times(tmp_path):
    lost_s = list(kill_painters(tmp_path, 50, seed=1000))
    assert len(lost_s) == 50
    assert max(lost_s) > 0  # the kills came while there was something to lose


@pytest.mark.slow
def test_savers_killed_twenty_five_times(tmp_path):
    found = list(kill_savers(tmp_path / "bench", 25, seed=2000))
    assert len(found) >= 20
    assert any(len(set(versions)) == 2 for versions in found)  # some came in the middle of a save
