"""A working copy gives back what was written, whatever else in its folder is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.recovery import list_working_copies, open_elsewhere
from napari_amseg.annotate.safety import ROOT_VARIABLE, recovery_root
from napari_amseg.annotate.working_copy import FrameWork, SessionRecord, WorkingCopy
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.types import Experiment


@pytest.fixture
def record():
    return SessionRecord(
        files=("/data/run3.tif",),
        shape=(6, 32, 48),
        dtype="uint16",
        scheme=DEFAULT_SCHEME,
        experiment=Experiment(experiment="run3", pixel_size_um=4.3),
        owner=Owner.here("Ann"),
        chain={"format_version": 1, "steps": []},
        frame_names=tuple("abcdef"),
        image_sha256={0: "ab", 5: "cd"},
    )


@pytest.fixture
def copy(tmp_path, record):
    return WorkingCopy.create(tmp_path, record)


def test_records_without_hashes_of_images_open(copy, record):
    path = copy.folder / "session.json"
    old = json.loads(path.read_text())
    assert old.pop("image_sha256") == {"0": "ab", "5": "cd"}
    path.write_text(json.dumps(old))
    assert WorkingCopy.open(copy.folder).record.image_sha256 == {}


@pytest.fixture
def work(labels, rng):
    return FrameWork(labels, rng.random(labels.shape) < 0.5, Status.IN_PROGRESS, "ab12", True)


@pytest.fixture(scope="module")
def dead():
    """The owner that a process was which has ended."""
    made = "from napari_amseg.annotate.owner import Owner; import json; "
    made += "print(json.dumps(Owner.here('Bob').to_json()))"
    told = subprocess.run([sys.executable, "-c", made], capture_output=True, check=True, text=True)
    return Owner.from_json(json.loads(told.stdout))


def assert_same(found, work):
    np.testing.assert_array_equal(found.labels, work.labels)
    np.testing.assert_array_equal(found.by_hand, work.by_hand)
    assert (found.labels.dtype, found.by_hand.dtype) == (np.uint8, bool)
    for name in ("status", "base_sha256", "unsaved"):
        assert getattr(found, name) == getattr(work, name)


@pytest.mark.parametrize("status", Status)
def test_frames_come_back_as_they_were_written(copy, record, work, status):
    work = replace(work, status=status)
    saved = replace(work, base_sha256=None, unsaved=False)
    copy.write_frame(4, work)
    copy.write_frame(1, work)
    copy.write_frame(1, saved)
    again = WorkingCopy.open(copy.folder)
    assert again.frames() == (1, 4)
    assert_same(again.read_frame(4), work)
    assert_same(again.read_frame(1), saved)
    assert again.record == replace(record, created=copy.record.created)
    assert copy.record.created.endswith("+00:00")


def test_any_tiff_reader_can_rescue_a_frame(copy, work):
    copy.write_frame(2, work)
    labels, by_hand = tifffile.imread(copy.folder / "frames" / "000002.tif")
    np.testing.assert_array_equal(labels, work.labels)
    np.testing.assert_array_equal(by_hand, np.where(work.by_hand, 255, 0))


def test_the_record_can_change(copy):
    copy.update(replace(copy.record, benchmark="/bench", experiment=Experiment(experiment="r4")))
    found = WorkingCopy.open(copy.folder).record
    assert (found.benchmark, found.experiment.experiment) == ("/bench", "r4")


def test_a_frame_that_is_cut_is_named_and_hides_no_other(copy, tmp_path, record, work):
    for t in range(3):
        copy.write_frame(t, work)
    path = copy.folder / "frames" / "000001.tif"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"000001\.tif: frame 1 cannot be read"):
        copy.read_frame(1)
    assert_same(copy.read_frame(2), work)
    other = WorkingCopy.create(tmp_path, record)
    (other.folder / "session.json").write_text("{")
    other.write_frame(5, work)
    broken, cut = list_working_copies(tmp_path)
    assert (broken.record, broken.n_frames, broken.n_unsaved) == (None, 1, 1)
    assert "session.json: not the record of an annotation" in broken.faults[0]
    assert (cut.n_frames, cut.n_unsaved, len(cut.faults)) == (3, 3, 1)
    assert "000001.tif" in cut.faults[0]


@pytest.mark.parametrize("change", [{"shape": (6, 32, 49)}, {"shape": (6, 30, 48)}])
def test_frames_of_another_size_are_refused(copy, work, change):
    copy.write_frame(0, work)
    copy.update(replace(copy.record, **change))
    with pytest.raises(ValueError, match="frame 0 cannot be read"):
        copy.read_frame(0)


def test_a_frame_that_was_not_written(copy):
    with pytest.raises(FileNotFoundError, match="was not written"):
        copy.read_frame(3)


@pytest.mark.parametrize(
    "change", [{"format_version": 2}, {"shape": [6, 32]}, {"owner": {}}, {"label_scheme": []}]
)
def test_records_that_cannot_be_read_say_where_the_frames_are(copy, change):
    path = copy.folder / "session.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=r"session\.json: not the record .* TIFF files"):
        WorkingCopy.open(copy.folder)


def test_left_overs_go_once_their_process_is_dead(copy, work, dead):
    copy.write_frame(0, work)
    left = copy.folder / "frames" / ".000000.tif.1234.part"
    left.write_bytes(b"half")
    assert WorkingCopy.open(copy.folder).frames() == (0,)
    assert left.exists()  # its owner, this process, may be writing it
    copy.update(replace(copy.record, owner=dead))
    WorkingCopy.open(copy.folder)
    assert not left.exists()


def test_listing_tells_what_is_unsaved_and_whose(tmp_path, record, work, dead):
    assert list_working_copies(tmp_path / "nowhere") == ()
    mine = WorkingCopy.create(tmp_path, record)
    lost = WorkingCopy.create(tmp_path, replace(record, owner=dead))
    far = WorkingCopy.create(tmp_path, replace(record, owner=replace(dead, host="far")))
    (tmp_path / "begun").mkdir()  # a process that was killed before its record was there
    lost.write_frame(0, work)
    lost.write_frame(1, replace(work, unsaved=False))
    found = {w.folder: w for w in list_working_copies(tmp_path)}
    assert list(found) == [far.folder, lost.folder, mine.folder]
    assert [found[c.folder].owner_alive for c in (mine, lost, far)] == [True, False, None]
    assert (found[lost.folder].n_frames, found[lost.folder].n_unsaved) == (2, 1)
    assert "run3" in found[lost.folder].words
    assert "Bob" in found[lost.folder].words
    assert "1 of 2 frames not saved" in found[lost.folder].words


def test_a_number_given_to_a_new_process_is_not_the_old_one():
    here = Owner.here()
    assert here.alive is True
    assert here.is_here
    assert replace(here, started_s=here.started_s - 60).alive is False


def test_the_same_stack_open_elsewhere_is_told(tmp_path, record, dead):
    WorkingCopy.create(tmp_path, replace(record, owner=dead))
    assert open_elsewhere(tmp_path, record.files) == ()
    far = WorkingCopy.create(tmp_path, replace(record, owner=replace(dead, host="far")))
    (other,) = open_elsewhere(tmp_path, record.files)
    assert other.folder == far.folder
    here = WorkingCopy.create(tmp_path, record)  # in another panel of this process
    assert {w.folder for w in open_elsewhere(tmp_path, record.files)} == {far.folder, here.folder}
    assert open_elsewhere(tmp_path, ("/data/run4.tif",)) == ()


def test_released_work_can_be_claimed(tmp_path, record, work):
    copy = WorkingCopy.create(tmp_path, record)
    copy.write_frame(3, work)
    copy.release()
    (found,) = list_working_copies(tmp_path)
    assert found.owner_alive is False
    assert not found.is_here
    assert found.record.owner.annotator == record.owner.annotator
    assert open_elsewhere(tmp_path, record.files) == ()
    assert_same(WorkingCopy.claim(found.folder).read_frame(3), work)


def test_released_without_a_frame_it_is_gone(tmp_path, record):
    WorkingCopy.create(tmp_path, record).release()
    assert not list(tmp_path.iterdir())


def test_only_one_process_recovers_what_a_dead_one_left(tmp_path, record, work, dead):
    lost = WorkingCopy.create(tmp_path, replace(record, owner=dead))
    lost.write_frame(3, work)
    mine = WorkingCopy.claim(lost.folder, "Ann")
    assert mine.record.owner.is_here
    assert mine.record.owner.annotator == "Ann"
    assert_same(mine.read_frame(3), work)
    with pytest.raises(FileNotFoundError):
        WorkingCopy.claim(lost.folder)
    assert len(list_working_copies(tmp_path)) == 1


def test_work_of_a_living_process_is_not_taken(tmp_path, record):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        owner = replace(Owner.here("Bob"), pid=process.pid, started_s=None)
        theirs = WorkingCopy.create(tmp_path, replace(record, owner=owner))
        with pytest.raises(PermissionError, match="Bob works on it in another window"):
            WorkingCopy.claim(theirs.folder)
        process.communicate(b"\n")
    WorkingCopy.claim(theirs.folder)


def test_discarded_work_is_gone(copy, tmp_path, work):
    copy.write_frame(0, work)
    copy.discard()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError, match="is gone"):
        copy.write_frame(0, work)


def test_the_folder_of_working_copies(monkeypatch, tmp_path):
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert recovery_root().name == "annotation"
    assert "napari-amseg" in recovery_root().parts
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    assert recovery_root() == tmp_path
