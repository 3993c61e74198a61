"""What is saved can be opened again to the pixel, and nobody's labels are lost on the way."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.backups import list_backups
from napari_amseg.annotate.load import file_of, found_again, load_frames
from napari_amseg.annotate.lock import read_lock
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.safety import SafetySettings
from napari_amseg.annotate.save import Conflict, FrameToSave, Saved, SaveTarget, save_frames
from napari_amseg.annotate.saving import Saving
from napari_amseg.annotate.working_copy import FrameWork
from napari_amseg.dataset import FrameId, check_benchmark, open_benchmark
from napari_amseg.dataset.annotation_status import incomplete_frames, lock_path, read_statuses
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.types import Experiment, stack_from_array

RUN = Experiment(experiment="run", facility="ESRF", pixel_size_um=4.3)
QUICK = SafetySettings(lock_wait_s=0.0)


@pytest.fixture
def target(tmp_path):
    return SaveTarget(tmp_path / "bench", RUN, DEFAULT_SCHEME, "Ann", tmp_path / "kept")


@pytest.fixture
def images(frames):
    return stack_from_array(frames)


@pytest.fixture
def to_save(labels):
    """Frames 0 to 2 as they are first saved, the last one half done."""
    half = labels.copy()
    half[16:] = 0
    painted = [labels, np.roll(labels, 2, axis=1), half]
    statuses = [Status.COMPLETE, Status.COMPLETE, Status.IN_PROGRESS]
    return [FrameToSave(t, f"{t:04d}", painted[t], statuses[t]) for t in range(3)]


def save(target, images, frames, **given):
    return list(save_frames(target, images, frames, **{"settings": QUICK, **given}))


def based(frames, outcomes):
    """The same frames, on what was just saved."""
    base = {saved.name: saved.sha256 for saved in outcomes}
    return [replace(frame, base_sha256=base[frame.name]) for frame in frames]


def painted(frame, code=5):
    """The frame with one more stroke."""
    labels = frame.labels.copy()
    labels[:3, :7] = code
    return replace(frame, labels=labels)


def files_below(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_saved_frames_open_again_to_the_pixel(target, images, to_save):
    outcomes = save(target, images, to_save)
    assert [o.name for o in outcomes] == ["0000", "0001", "0002"]
    bench = open_benchmark(target.folder)
    for frame, outcome in zip(to_save, outcomes, strict=True):
        frame_id = FrameId("run", frame.name)
        np.testing.assert_array_equal(bench.labels(frame_id), frame.labels)
        np.testing.assert_array_equal(bench.image(frame_id), images.read(frame.t))
        file = bench.label_path(frame_id).read_bytes()
        called = "+complete" if frame.status == Status.COMPLETE else ""
        assert outcome == Saved(frame.t, frame.name, hashlib.sha256(file).hexdigest() + called)
    assert bench.experiment("run") == RUN
    loaded = list(load_frames(bench, "run"))
    assert [f.sha256 for f in loaded] == [o.sha256 for o in outcomes]
    assert [f.status for f in loaded] == [f.status for f in to_save]
    np.testing.assert_array_equal(loaded[2].labels, to_save[2].labels)
    assert not any(finding.error for finding in check_benchmark(target.folder))
    assert incomplete_frames(bench) == {FrameId("run", "0002"): "in progress"}
    row = read_statuses(target.folder / "annotation" / "run.csv")["0002"]
    assert (row.annotator, row.labelled_share) == ("Ann", 0.5)
    assert row.saved.endswith("+00:00")
    assert not lock_path(target.folder, "run").exists()


def test_processed_images_are_kept_as_they_are_shown(target, images, to_save):
    shown = images.derived(lambda t: images.read(t) / np.float32(16), dtype=np.float32)
    save(target, shown, to_save)
    image = open_benchmark(target.folder).image(FrameId("run", "0001"))
    np.testing.assert_array_equal(image, shown.read(1))
    with pytest.raises(ValueError, match="images are uint16, but run/0000 is float32"):
        save(target, images, [replace(to_save[0], name="new")])


def test_saving_again_writes_what_changed_alone(target, images, to_save):
    again = based(to_save, save(target, images, to_save))
    before = files_below(target.folder)
    outcomes = save(target, images, [again[0], painted(again[1])])
    changed = {p for p, file in files_below(target.folder).items() if before.get(p) != file}
    assert {p for p in changed if p.startswith(("images", "labels"))} == {"labels/run/0001.tif"}
    assert outcomes[0].sha256 == again[0].base_sha256
    (backup,) = list_backups(target.folder, "run")
    assert backup.frame == "0001"
    np.testing.assert_array_equal(backup.labels(), to_save[1].labels)


def test_another_persons_labels_are_never_overwritten(target, images, to_save):
    """Ann and Bob open the same frames; Bob saves one first."""
    both = based(to_save, save(target, images, to_save))
    bobs = painted(both[1], code=1)
    save(replace(target, annotator="Bob"), images, [bobs])
    outcomes = {o.name: o for o in save(target, images, [painted(f) for f in both])}
    conflict = outcomes["0001"]
    assert isinstance(conflict, Conflict)
    assert (conflict.row.annotator, conflict.row.status) == ("Bob", "complete")
    assert "Bob saved it at" in conflict.words
    bench = open_benchmark(target.folder)
    np.testing.assert_array_equal(bench.labels(FrameId("run", "0001")), bobs.labels)
    np.testing.assert_array_equal(bench.labels(FrameId("run", "0000")), painted(both[0]).labels)
    assert read_statuses(target.folder / "annotation" / "run.csv")["0001"].annotator == "Bob"

    # one of: under another name, in another experiment, replacing what was seen
    mine = painted(both[1])
    (elsewhere,) = save(target, images, [replace(mine, name="0001 Ann", base_sha256=None)])
    assert isinstance(elsewhere, Saved)
    other = replace(target, experiment=Experiment(experiment="run Ann"))
    (elsewhere,) = save(other, images, [replace(mine, base_sha256=None)])
    assert isinstance(elsewhere, Saved)
    (done,) = save(target, images, [replace(mine, base_sha256=conflict.sha256)])
    assert isinstance(done, Saved)
    newest = list_backups(target.folder, "run", "0001")[0]
    np.testing.assert_array_equal(newest.labels(), bobs.labels)


def test_labels_that_were_there_before_are_a_conflict(target, images, to_save):
    save(target, images, to_save)
    (target.folder / "annotation" / "run.csv").unlink()
    (outcome,) = save(target, images, [painted(to_save[0])])
    assert isinstance(outcome, Conflict)
    assert "not opened here" in outcome.words
    (same,) = save(target, images, [to_save[0]])  # equal labels are nobody's loss
    assert isinstance(same, Saved)


def test_a_save_that_was_not_noted_is_found_again(target, images, to_save):
    """Killed after the file was written: the recovered work still has the older base."""
    first = based(to_save, save(target, images, to_save))
    newer = painted(first[0])
    (saved,) = save(target, images, [newer])
    work = FrameWork(newer.labels, newer.labels > 0, newer.status, first[0].base_sha256)
    path = target.folder / "labels" / "run" / "0000.tif"
    found = found_again(path, work)
    assert found.base_sha256 == file_of(saved.sha256)
    (again,) = save(target, images, [replace(painted(newer, 2), base_sha256=found.base_sha256)])
    assert isinstance(again, Saved)
    changed = replace(work, labels=painted(newer, 3).labels)
    assert found_again(path, changed).base_sha256 == first[0].base_sha256


def test_a_file_changed_in_the_last_moment_is_left(target, images, to_save, monkeypatch):
    both = based(to_save, save(target, images, to_save))
    path = target.folder / "labels" / "run" / "0000.tif"
    make_way, theirs = Saving._make_way, path.read_bytes() + b"theirs"

    def too_late(self, frame, place):
        if frame.name == "0000":
            path.write_bytes(theirs)
        make_way(self, frame, place)

    monkeypatch.setattr(Saving, "_make_way", too_late)
    half = [replace(painted(f), status=Status.IN_PROGRESS) for f in both[:2]]
    conflict, saved = save(target, images, half)
    assert isinstance(conflict, Conflict)
    assert isinstance(saved, Saved)
    assert path.read_bytes() == theirs
    rows = read_statuses(target.folder / "annotation" / "run.csv")
    assert [rows[name].status for name in ("0000", "0001")] == ["complete", "in progress"]


def test_labels_that_somebody_removed_are_written_again(target, images, to_save):
    again = based(to_save, save(target, images, to_save))
    (target.folder / "labels" / "run" / "0000.tif").unlink()
    (target.folder / "images" / "run" / "0001.tif").write_bytes(b"cut")
    outcomes = save(target, images, again)
    assert all(isinstance(o, Saved) for o in outcomes)
    assert not any(finding.error for finding in check_benchmark(target.folder))


def test_images_are_never_replaced_by_others(target, images, to_save, frames):
    """Work that was recovered over a file that was written anew, for example."""
    again = based(to_save, save(target, images, to_save))
    before = files_below(target.folder)
    other = frames.copy()
    other[1, 3, 4] += 1
    with pytest.raises(ValueError, match=r"run/0001 in .* is another image than frame 1"):
        save(target, stack_from_array(other), [painted(again[1])])
    assert files_below(target.folder) == before


def test_an_image_that_differs_stops_at_its_frame(target, images, to_save, frames):
    """One of many, that the look at a few before the save does not see."""
    many = [replace(to_save[0], t=t, name=f"{t:04d}") for t in range(6)]
    again = based(many, save(target, images, many))
    other = frames.copy()
    other[1] += 1
    outcomes = []
    with pytest.raises(ValueError, match=r"run/0001 in .* is another image than frame 1"):
        for outcome in save_frames(target, stack_from_array(other), [*map(painted, again)]):
            outcomes.append(outcome)
    assert [o.name for o in outcomes] == ["0000"]
    image = open_benchmark(target.folder).image(FrameId("run", "0001"))
    np.testing.assert_array_equal(image, frames[1])


def test_two_stacks_are_not_merged_by_the_name_of_their_experiment(target, images, to_save, frames):
    save(target, images, to_save)
    other, before = stack_from_array(frames + 1), files_below(target.folder)
    for name in ("0004", "mine"):  # none is there, so nothing is overwritten
        new = replace(to_save[0], t=4, name=name)
        with pytest.raises(ValueError, match=r"[Cc]hoose .*another experiment name"):
            save(target, other, [new])
        assert files_below(target.folder) == before
        (saved,) = save(target, images, [new])
        assert isinstance(saved, Saved)
        before = files_below(target.folder)


def test_frames_are_not_saved_twice_under_other_names(target, images, to_save):
    save(target, images, [replace(to_save[0], name="run_1")])
    with pytest.raises(ValueError, match=r"other names \(run_1, .*Begin .* with this benchmark"):
        save(target, images, [to_save[0]])


@pytest.mark.parametrize("dtype", ["float64", "float16", "int16", "uint32", "bool"])
def test_images_of_any_type_can_be_saved(target, images, to_save, dtype):
    other = images.derived(lambda t: images.read(t).astype(dtype), dtype=dtype)
    outcomes = save(target, other, to_save)
    assert all(isinstance(o, Saved) for o in outcomes)
    image = open_benchmark(target.folder).image(FrameId("run", "0001"))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, other.read(1).astype(np.float32))
    outcomes = save(target, other, [painted(f) for f in based(to_save, outcomes)])
    assert all(isinstance(o, Saved) for o in outcomes)


def test_what_another_called_complete_is_not_changed_unasked(target, images, to_save):
    """Ann calls a frame complete without changing a pixel, while Bob has it open."""
    half = replace(to_save[0], status=Status.IN_PROGRESS)
    (bobs,) = based([half], save(target, images, [half]))
    save(target, images, [replace(bobs, status=Status.COMPLETE)])
    bob, rows = replace(target, annotator="Bob"), target.folder / "annotation" / "run.csv"
    never_opened = replace(bobs, base_sha256=None)
    for frame in (
        painted(bobs),
        bobs,
        never_opened,
        replace(painted(bobs), status=Status.COMPLETE),
    ):
        (conflict,) = save(bob, images, [frame])
        assert isinstance(conflict, Conflict)
        assert "Ann saved it at" in conflict.words
        assert read_statuses(rows)["0000"].annotator == "Ann"
        assert read_statuses(rows)["0000"].status == "complete"
    # equal and complete too: nothing is lost; Ann may change her own; Bob may when he was told
    (same,) = save(bob, images, [replace(never_opened, status=Status.COMPLETE)])
    assert isinstance(same, Saved)
    assert read_statuses(rows)["0000"].annotator == "Ann"
    (told,) = save(bob, images, [replace(painted(bobs), base_sha256=conflict.sha256)])
    assert isinstance(told, Saved)
    assert read_statuses(rows)["0000"].status == "in progress"


def test_who_opened_a_complete_frame_may_change_it(target, images, to_save):
    save(target, images, to_save[:1])
    (loaded,) = load_frames(open_benchmark(target.folder), "run")
    bobs = replace(painted(to_save[0]), status=Status.IN_PROGRESS, base_sha256=loaded.sha256)
    (saved,) = save(replace(target, annotator="Bob"), images, [bobs])
    assert isinstance(saved, Saved)


def test_stopping_keeps_what_was_saved_and_its_status(target, images, to_save):
    saving = save_frames(target, images, to_save, settings=QUICK)
    next(saving)
    saving.close()
    assert [f.name for f in load_frames(open_benchmark(target.folder), "run")] == ["0000"]
    rows = read_statuses(target.folder / "annotation" / "run.csv")
    assert {name: row.status for name, row in rows.items()} == {"0000": "complete"}
    assert not lock_path(target.folder, "run").exists()


def test_half_done_labels_never_count_as_complete(target, images, to_save, monkeypatch):
    """The status of a frame in progress is there before its labels are."""
    seen = []

    def killed(self, frame, place):
        seen.append(read_statuses(self.rows)[frame.name].status)
        raise KeyboardInterrupt

    monkeypatch.setattr(Saving, "_make_way", killed)
    with pytest.raises(KeyboardInterrupt):
        save(target, images, [to_save[2]])
    assert seen == ["in progress"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_as_a_user(target, images, to_save):
    again = based(to_save, save(target, images, to_save))
    labels = target.folder / "labels" / "run"
    labels.chmod(0o500)
    try:
        with pytest.raises(OSError, match=r"the work is kept in .*kept"):
            save(target, images, [painted(again[0])])
    finally:
        labels.chmod(0o700)


def test_a_folder_that_cannot_be_written_to_says_where_the_work_is(
    target, images, to_save, monkeypatch
):
    from napari_amseg.io import TiffStackWriter

    again = based(to_save, save(target, images, to_save))
    before = files_below(target.folder)

    def full(self, frame):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(TiffStackWriter, "append", full)
    with pytest.raises(OSError, match=r"Read-only file system.*the work is kept in .*kept"):
        save(target, images, [painted(f) for f in again])
    assert files_below(target.folder) == before


def test_a_share_that_is_not_mounted_is_not_taken_for_a_new_benchmark(target, images, to_save):
    again = based(to_save, save(target, images, to_save))
    target.folder.rename(target.folder.with_name("elsewhere"))
    with pytest.raises(OSError, match=r"benchmark\.json, from which frames were opened, is gone"):
        save(target, images, again)
    assert not target.folder.exists()
    nowhere = replace(target, folder=target.folder / "on" / "no" / "share")
    with pytest.raises(OSError, match="is not there"):
        save(nowhere, images, to_save)


WRONG = {
    "unknown code": ({"labels": np.full((32, 48), 9, np.uint8)}, "frame 0: code 9"),
    "size": ({"labels": np.ones((32, 40), np.uint8)}, r"frame 0: labels are \(32, 40\)"),
    "name": ({"name": "a/b"}, "frame name is 'a/b'"),
    "number": ({"t": 17}, "frames 17: the stacks have frames 0 to 5"),
}


@pytest.mark.parametrize(("change", "words"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    target, images, to_save, change, words
):
    with pytest.raises(ValueError, match=words):
        save(target, images, [to_save[1], replace(to_save[0], **change)])
    assert not target.folder.exists()


def test_metadata_and_classes_that_contradict_are_refused(target, images, to_save):
    save(target, images, to_save)
    more = replace(RUN, laser_power_w=200.0)
    save(replace(target, experiment=more), images, [replace(to_save[0], name="x")])
    assert open_benchmark(target.folder).experiment("run") == more
    wrong = replace(target, experiment=replace(RUN, facility="APS"))
    with pytest.raises(ValueError, match="facility is 'APS', but the benchmark says 'ESRF'"):
        save(wrong, images, [replace(to_save[0], name="y")])
    swapped = LabelScheme.parse("keyhole=2,pore=1")
    with pytest.raises(ValueError, match="code 2 is 'pore' there and 'keyhole' here"):
        save(replace(target, scheme=swapped), images, [replace(to_save[0], name="y")])


def held(target, owner, time="2999-01-01T00:00:00+00:00"):
    path = lock_path(target.folder, "run")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**owner.to_json(), "time": time}))
    return path


def test_two_people_do_not_save_at_once(target, images, to_save):
    save(target, images, to_save[:1])
    path = held(target, replace(Owner.here("Bob"), host="far"))
    before = files_below(target.folder)
    with pytest.raises(OSError, match=r"Bob on far, since 2999.*the work is kept in"):
        save(target, images, to_save[1:])
    assert files_below(target.folder) == before
    path.unlink()
    assert len(save(target, images, to_save[1:])) == 2


@pytest.mark.parametrize(
    ("host", "started_s", "time"),
    [(None, 0.0, "2999-01-01T00:00:00+00:00"), ("far", None, "2001-01-01T00:00:00+00:00")],
    ids=["dead process", "too old"],
)
def test_left_over_locks_are_removed_and_told(target, images, to_save, host, started_s, time):
    owner = Owner.here("Bob")
    held(target, replace(owner, host=host or owner.host, started_s=started_s), time)
    told = []
    assert len(save(target, images, to_save, tell=told.append)) == 3
    assert told[0].startswith("run.lock: a lock left by Bob on ")
    assert not lock_path(target.folder, "run").exists()


def test_a_lock_that_was_cut_off_is_young_for_a_minute(target, images, to_save):
    path = held(target, Owner.here())
    path.write_text("")
    with pytest.raises(OSError, match="somebody, since"):
        save(target, images, to_save)
    os.utime(path, (0, 0))
    assert read_lock(path).is_stale(QUICK)
    assert len(save(target, images, to_save)) == 3


def test_loading_takes_what_is_there(target, images, to_save):
    save(target, images, to_save[:2])
    bench = open_benchmark(target.folder)
    names = ["0001", "0007", "0000"]
    assert [f.name for f in load_frames(bench, "run", names)] == ["0001", "0000"]
    assert list(load_frames(bench, "none")) == []
    (target.folder / "annotation" / "run.csv").unlink()
    assert {f.status for f in load_frames(bench, "run")} == {Status.COMPLETE}
    path = bench.label_path(FrameId("run", "0000"))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match=r"0000\.tif"):
        list(load_frames(bench, "run"))
