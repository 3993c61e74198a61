"""The last versions of a frame are kept, and can be had back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.backups import list_backups, restore_backup, write_backup
from napari_amseg.annotate.load import load_frames
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.annotate.save import FrameToSave, SaveTarget, save_frames
from napari_amseg.dataset import FrameId, open_benchmark
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.types import Experiment, stack_from_array


@pytest.fixture
def save_version(tmp_path, frames):
    """Saves frames 0 and 1 with labels all of one code, on what was saved before."""
    target = SaveTarget(tmp_path / "b", Experiment(experiment="run"), DEFAULT_SCHEME, "Ann")
    images, base = stack_from_array(frames), {}

    def save(code, names=("f1", "f10"), keep=3):
        labels = np.full((32, 48), code, np.uint8)
        wanted = [
            FrameToSave(t, name, labels, Status.COMPLETE, base.get(name))
            for t, name in enumerate(names)
        ]
        for saved in save_frames(target, images, wanted, settings=SafetySettings(backups=keep)):
            base[saved.name] = saved.sha256
        return target.folder

    return save


def codes(backups):
    return [int(b.labels()[0, 0]) for b in backups]


def test_the_last_versions_are_kept_newest_first(save_version):
    for code in (1, 2, 3, 4, 5):
        folder = save_version(code)
    save_version(1, names=("f1",))
    assert codes(list_backups(folder, "run", "f1")) == [5, 4, 3]
    assert codes(list_backups(folder, "run", "f10")) == [4, 3, 2]
    assert len(list_backups(folder, "run")) == 6
    assert list_backups(folder, "other") == ()


def test_no_backups_when_none_are_wanted(save_version):
    save_version(1, keep=0)
    folder = save_version(2, keep=0)
    assert list_backups(folder, "run") == ()


def test_ones_own_saves_drop_nobody_elses_labels(tmp_path, frames):
    """Bob replaces what Ann saved, and goes on working for hours."""
    images, base = stack_from_array(frames), None
    for person, code in [("Ann", 4), ("Ann", 1), *(("Bob", 2 + i % 2) for i in range(8))]:
        target = SaveTarget(tmp_path, Experiment(experiment="run"), DEFAULT_SCHEME, person)
        labels = np.full((32, 48), code, np.uint8)
        frame = FrameToSave(0, "f.1", labels, Status.IN_PROGRESS, base)
        (saved,) = save_frames(target, images, [frame], settings=SafetySettings(backups=3))
        base = saved.sha256
    assert codes(list_backups(tmp_path, "run", "f.1")) == [2, 3, 2, 1]


def test_files_of_other_names_are_no_backups(save_version):
    save_version(1)
    folder = save_version(2)
    (list_backups(folder, "run", "f1")[0].path.with_name("mine.tif")).write_bytes(b"")
    assert len(list_backups(folder, "run")) == 2


def test_a_backup_takes_the_place_of_what_is_there(save_version):
    save_version(1)
    folder = save_version(2)
    (backup,) = list_backups(folder, "run", "f1")
    sha256 = restore_backup(folder, backup, "Bob")
    bench = open_benchmark(folder)
    assert (bench.labels(FrameId("run", "f1")) == 1).all()
    assert (bench.labels(FrameId("run", "f10")) == 2).all()
    assert codes(list_backups(folder, "run", "f1")) == [2, 1]
    found = {f.name: f for f in load_frames(bench, "run")}
    assert (found["f1"].sha256, found["f1"].status) == (sha256, Status.IN_PROGRESS)
    assert found["f10"].status == Status.COMPLETE


def test_a_backup_that_cannot_be_read_replaces_nothing(save_version):
    folder = save_version(3)
    broken = write_backup(folder, "run", "f1", b"II*\0")
    with pytest.raises(ValueError, match=r"f1\..*\.tif"):
        restore_backup(folder, broken, "Bob")
    assert (open_benchmark(folder).labels(FrameId("run", "f1")) == 3).all()
