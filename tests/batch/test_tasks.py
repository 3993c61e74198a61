"""What workers do, without a cluster: the same numbers, nothing done twice, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.batch.assemble import Finished
from napari_amseg.batch.chunks import CHUNKS
from napari_amseg.batch.job import BatchSettings, StackJob, chunks_keys, results_keys
from napari_amseg.batch.tasks import Failed, Stopped, attempt, begin, compute, join
from napari_amseg.cli import app
from napari_amseg.measure import MeasureSettings
from napari_amseg.models import load_bundle
from napari_amseg.pipeline import segment_to_files
from napari_amseg.preprocess import Background, Chain, Crop, FlatField
from napari_amseg.segment import MapSettings, SegmentSettings
from napari_amseg.types import Experiment

from .conftest import moving_frames


@pytest.fixture
def job(tmp_path, model):
    """A stack of 22 frames in chunks of 8, with a flat that drifts and a background."""
    tifffile.imwrite(tmp_path / "raw.tif", moving_frames(22, 1), photometric="minisblack")
    for name, level in (("before", 3000), ("after", 2500)):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.full((32, 96), level, np.uint16))
    flats = FlatField(flat=str(tmp_path / "before.tif"), flat_after=str(tmp_path / "after.tif"))
    chain = Chain((flats, Crop(y0=2), Background(mode="subtract", window=5)))
    return StackJob(
        experiment=Experiment(
            experiment="e", pixel_size_um=2, frame_rate_hz=1e4, scan_speed_mm_s=20, laser_power_w=9
        ),
        stack=str(tmp_path / "raw.tif"),
        out=str(tmp_path / "out"),
        model=str(model),
        model_sha256=load_bundle(model).weights_sha256,
        chain=chain.to_json(),
        batch=BatchSettings(chunk_frames=8),
        maps=MapSettings(confidence=True),
    )


def done(job):
    """The job done from where it stands."""
    begun = begin(job)
    for chunk in begun.todo:
        compute(job, begun, chunk)
    return join(job, begun)


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name[0] != "."}


@pytest.mark.parametrize("engine", ["keras", "auto"])
def test_chunks_give_the_very_files_of_amseg_segment(job, tmp_path, engine):
    job = replace(job, segment=SegmentSettings(engine=engine, batch_size=4))
    with job.open() as stack:
        segment_to_files(
            replace(job.request(stack), folder=tmp_path / "alone"), load_bundle(job.model)
        )
    outcome = done(job)
    assert (outcome.frames, outcome.chunks, outcome.retries) == (22, 3, 0)
    whole, chunked = files(tmp_path / "alone"), files(job.folder)
    records = [json.loads(found.pop("e_run.json")) for found in (whole, chunked)]
    assert whole == chunked
    assert len(whole) == 6
    assert [record.pop("seconds") == {} for record in records] == [False, True]
    commands = [" ".join(record.pop("command")) for record in records]  # each with its own folder
    folders = (tmp_path / "alone", job.folder)
    assert len({c.replace(str(f), "OUT") for c, f in zip(commands, folders, strict=True)}) == 1
    assert records[0] == records[1]
    assert not (job.folder / CHUNKS).exists()


def test_chunks_are_whole_batches(job):
    job = replace(job, segment=SegmentSettings(engine="keras", batch_size=3))
    assert begin(job).fit.chunk_frames == 9


def test_finished_chunks_are_kept_and_half_written_ones_are_not(job):
    begun = begin(job)
    assert begun.todo == (0, 1, 2)
    compute(job, begun, 1)
    folder = job.folder / CHUNKS / begun.chunks
    kept = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.glob("00001*")}
    assert len(kept) == 3
    (folder / ".00002_labels.tif.abc.part").write_bytes(b"half")
    again = begin(job)
    assert again.todo == (0, 2)
    assert again.fit == begun.fit
    assert not list(folder.glob(".*.part"))
    assert {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in kept} == kept


def test_what_a_lost_worker_left_counts_as_a_retry(job):
    begun = begin(job)
    folder = job.folder / CHUNKS / begun.chunks
    for name in (".00000_labels.tif.aa.part", ".00000_confidence.tif.aa.part",
                 ".00000_labels.tif.bb.part", ".00001_labels.tif.cc.part"):  # fmt: skip
        (folder / name).write_bytes(b"half")
    assert compute(job, begun, 0).retries == 2
    assert [p.name for p in folder.glob(".*")] == [".00001_labels.tif.cc.part"]


@pytest.mark.parametrize("change", ["settings", "input", "flat", "chunk_frames", "pixel"])
def test_what_changes_the_numbers_makes_chunks_invalid(job, tmp_path, change):
    compute(job, (begun := begin(job)), 0)
    if change == "settings":
        job = replace(job, measure=MeasureSettings(min_pore_area_px=4))
    elif change == "chunk_frames":
        job = replace(job, batch=BatchSettings(chunk_frames=11))
    elif change == "pixel":
        job = replace(job, experiment=job.experiment.updated(pixel_size_um=3.0))
    else:
        path = tmp_path / {"input": "raw.tif", "flat": "before.tif"}[change]
        frames = tifffile.imread(path)
        frames[..., 0, 0] += 1
        tifffile.imwrite(path, frames, photometric="minisblack")
    again = begin(job)
    assert again.chunks != begun.chunks
    assert again.todo == tuple(range(again.fit.n_chunks))
    assert [p.name for p in (job.folder / CHUNKS).iterdir()] == [again.chunks]


def test_a_finished_stack_is_not_redone_but_its_parameters_are_renewed(job):
    done(job)
    before = files(job.folder)
    known = job.experiment
    job = replace(job, experiment=replace(known, laser_power_w=None, facility="ESRF"))
    again = begin(job)
    assert isinstance(again, Finished)
    assert again.earlier
    after = files(job.folder)
    renewed, old = (json.loads(found.pop("e_run.json"))["experiment"] for found in (after, before))
    assert renewed == {**old, "laser_power_w": None, "facility": "ESRF"}
    assert after == before
    assert begin(job) == again
    assert not isinstance(begin(replace(job, overwrite=True)), Finished)


@pytest.mark.parametrize("how", ["quantify", "segment"])
def test_what_was_made_anew_with_another_pixel_size_is_not_finished(job, how):
    done(job)
    before = files(job.folder)
    given = {"quantify": job.folder / "e_labels.tif", "segment": job.stack}[how]
    more = {"quantify": [], "segment": ["--model", job.model]}[how]
    command = [how, given, "-o", job.folder, "--pixel-size", 7, "--no-figures", *more]
    if how == "segment":
        shutil.copy(given, given := job.folder / "e.tif")
        command = [*command[:1], given, *command[2:], "--overwrite"]
    result = CliRunner().invoke(app, [str(word) for word in command])
    assert result.exit_code == 0, result.output
    other = json.loads((job.folder / "e_run.json").read_text())
    assert other["experiment"]["pixel_size_um"] == 7
    if how == "segment":  # of another file of that name
        with pytest.raises(FileExistsError, match="belongs to another stack"):
            begin(job)
        assert json.loads((job.folder / "e_run.json").read_text()) == other
        return
    assert not isinstance(begin(job), Finished)
    done(job)
    assert files(job.folder) == before


@pytest.mark.slow
def test_damaged_results_are_made_anew(job):
    done(job)
    before = files(job.folder)
    for name in (".e_batch.json", "e_frames.csv"):
        for text in ("", "{", "[]", "{}", "null"):
            (job.folder / name).write_text(text)
            done(job)
            assert files(job.folder) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_damaged_record_is_refused(job, text):
    done(job)
    (job.folder / "e_run.json").write_text(text)  # so nothing says whose labels these are
    with pytest.raises(FileExistsError, match="not written by this program"):
        begin(job)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_damaged_chunks_are_made_anew(job, text):
    begun = begin(job)
    for chunk in (0, 1):
        compute(job, begun, chunk)
    folder = job.folder / CHUNKS / begun.chunks
    (folder / "fit.json").write_text(text)
    (folder / "00001.json").write_bytes(b"")
    again = begin(job)
    assert again.fit == begun.fit
    assert again.todo == (1, 2)


@pytest.mark.parametrize("change", ["architecture", "arguments", "label_scheme", "program"])
def test_results_of_another_model_card_or_program_are_not_ours(job, tmp_path, monkeypatch, change):
    with job.open() as stack:
        before = results_keys(job, stack.files)
    card = tmp_path / "model" / "model.json"
    shutil.copytree(job.model, card.parent)
    record = json.loads(card.read_text())
    if change == "architecture":
        record["architecture"] = "unet"
    elif change == "arguments":
        record["arguments"] = {"filters": 2}
    elif change == "label_scheme":
        record["label_scheme"][0]["name"] = "other"
    else:
        monkeypatch.setattr("napari_amseg.batch.job.__version__", "0.0.1")
    other = replace(job, model=str(card.parent))
    if change != "program":
        assert results_keys(other, stack.files) == before
    card.write_text(json.dumps(record))
    assert results_keys(other, stack.files) != before


def test_two_datasets_of_one_file_have_results_of_their_own(job):
    keys = {
        results_keys(replace(job, stack=f"/data/scan.nxs::{name}"), []).resolved
        for name in ("entry/one/data", "entry/two/data")
    }
    assert len(keys) == 2


def test_labels_edited_by_hand_are_kept(job):
    done(job)
    path = job.folder / "e_labels.tif"
    frames = tifffile.imread(path)
    frames[0, 0] = 3
    tifffile.imwrite(path, frames)
    edited = path.read_bytes()
    with pytest.raises(FileExistsError, match="edited since"):
        begin(job)  # its tables are of other labels
    other = replace(job, measure=MeasureSettings(min_pore_area_px=4))
    with pytest.raises(FileExistsError, match="edited since"):
        begin(other)
    assert path.read_bytes() == edited
    done(replace(other, overwrite=True))
    assert path.read_bytes() != edited


def test_labels_edited_while_the_stack_is_computed_are_kept(job):
    begun = begin(job)
    for chunk in begun.todo:
        compute(job, begun, chunk)
    (job.folder / "e_labels.tif").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="not written by this program"):
        join(job, begun)
    assert (job.folder / "e_labels.tif").read_bytes() == b"mine"


def test_a_stack_that_still_grows_is_refused(job, tmp_path):
    begun = begin(job)
    for chunk in begun.todo:
        compute(job, begun, chunk)
    tifffile.imwrite(tmp_path / "raw.tif", moving_frames(30, 1), photometric="minisblack")
    with pytest.raises(ValueError, match="changed while it was segmented"):
        join(job, begun)
    assert files(job.folder) == {}


def test_without_its_lease_a_chunk_stops_and_leaves_nothing(job, tmp_path):
    lease = tmp_path / "lease"
    lease.touch()
    job = replace(job, lease=str(lease))
    begun = begin(job)
    lease.unlink()
    with pytest.raises(Stopped):
        compute(job, begun, 0)
    assert [p.name for p in (job.folder / CHUNKS / begun.chunks).iterdir()] == ["fit.json"]


def test_chunks_of_different_engines_are_noted(job):
    begun = begin(job)
    for chunk in begun.todo:
        compute(job, begun, chunk)
    path = job.folder / CHUNKS / begun.chunks / "00001.json"
    content = json.loads(path.read_text())
    content["record"] |= {"engine": "other", "device": "other on a GPU"}
    path.write_text(json.dumps(content))
    join(job, begun)
    run = json.loads((job.folder / "e_run.json").read_text())
    assert run["engine"]["name"].endswith(" and other")
    assert "1 by other on a GPU" in " ".join(run["notes"])


def test_another_model_under_the_same_name_is_refused(job):
    with pytest.raises(ValueError, match="another one on this worker"):
        begin(replace(job, model_sha256="0" * 64))


class Untold(Exception):
    """An error that cannot be sent to another process."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def test_any_error_comes_back_as_words(job):
    def fails(kind, *given):
        raise kind(*given)

    assert attempt(fails, Untold, 1, 2) == Failed("unexpected Untold: 1 and 2")
    assert attempt(fails, ValueError, "too  small") == Failed("too small")
    assert attempt(fails, OSError, 28, "full").errno == 28
    assert attempt(begin, replace(job, stack="nosuch.tif")).reason.startswith("nosuch.tif: there")


KILLED = """
import os, sys, time
from pathlib import Path
from napari_amseg.batch.leftovers import output_files

folder = Path(sys.argv[1])
with output_files(folder, ".e_batch.json") as files:
    files.path("e_labels.tif").write_bytes(b"half")
    print("written", flush=True)
    time.sleep(600)
"""


def test_parts_of_a_killed_run_go_and_those_of_a_running_one_stay(job):
    begun = begin(job)
    for chunk in begun.todo:
        compute(job, begun, chunk)
    command = [sys.executable, "-c", KILLED, str(job.folder)]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        assert [other.stdout.readline() for other in others] == ["written\n"] * 2
        others[0].kill()
        others[0].wait()
        stranger = job.folder / ".e_labels.tif.0123abcd.part"
        stranger.write_bytes(b"of amseg segment, maybe")
        assert len(list(job.folder.glob(".e_labels.tif.*.part"))) == 3
        join(job, begun)
        left = {path.name.split(".")[-2] for path in job.folder.glob(".e_labels.tif.*.part")}
        assert len(left) == 2
        assert "0123abcd" in left
        assert len(list(job.folder.glob("*.writing-*"))) == 1
    finally:
        for other in others:
            other.kill()
            other.communicate()
    done(replace(job, overwrite=True))
    assert [path.name for path in job.folder.glob(".*.part")] == [stranger.name]
    assert not list(job.folder.glob("*.writing-*"))


@pytest.mark.parametrize("old", [False, True])
def test_parts_of_another_machine_go_after_a_day(job, old):
    job.folder.mkdir(parents=True)
    record = job.folder / ".e_batch.json.writing-0123abcd"
    record.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": 0}))
    part = job.folder / ".e_labels.tif.0123abcd.part"
    part.write_bytes(b"half")
    if old:
        os.utime(record, (time.time() - 90000,) * 2)
    done(job)
    assert part.exists() != old
    assert record.exists() != old


def test_results_are_known_by_another_spelling_of_their_paths(job, tmp_path, monkeypatch):
    done(job)
    made = (job.folder / "e_labels.tif").stat().st_mtime_ns
    (tmp_path / "camp").mkdir()
    bases = [tmp_path / "camp" / "..", Path()]
    with suppress(OSError):  # Windows asks for a privilege
        (tmp_path / "link").symlink_to(tmp_path)
        bases.append(tmp_path / "link")
    monkeypatch.chdir(tmp_path)
    for base in bases:
        flats, *others = Chain.from_json(job.chain).steps
        flats = replace(flats, flat=str(base / "before.tif"), flat_after=str(base / "after.tif"))
        chain = Chain((flats, *others)).to_json()
        assert isinstance(begin(replace(job, stack=str(base / "raw.tif"), chain=chain)), Finished)
    assert (job.folder / "e_labels.tif").stat().st_mtime_ns == made


def test_what_was_finished_when_paths_were_known_as_typed_is_finished_still(job, tmp_path):
    (tmp_path / "camp").mkdir()
    typed = replace(job, stack=f"{tmp_path}/camp/../raw.tif")
    done(typed)
    mark = job.folder / ".e_batch.json"
    with typed.open() as stack:
        keys = results_keys(typed, stack.files)
    assert keys.spelled != keys.resolved
    record = json.loads(mark.read_text()) | {"key": keys.spelled}
    del record["spelled"]
    mark.write_text(json.dumps(record))
    assert isinstance(begin(typed), Finished)
    assert isinstance(begin(job), Finished)  # it is known in full from now on


def linked(job, tmp_path):
    """A link to the folder of the stack, and the job typed by it."""
    link = tmp_path / "link"
    try:
        link.symlink_to(tmp_path)
    except OSError:
        pytest.skip("Windows asks for a privilege")
    flats, *others = Chain.from_json(job.chain).steps
    flats = replace(flats, flat=str(link / "before.tif"), flat_after=str(link / "after.tif"))
    chain = Chain((flats, *others)).to_json()
    return link, replace(job, stack=str(link / "raw.tif"), chain=chain)


def test_finished_chunks_are_kept_when_a_link_leads_elsewhere(job, tmp_path):
    link, typed = linked(job, tmp_path)
    compute(typed, begin(typed), 0)
    (tmp_path / "moved").mkdir()  # as an automounter does
    for path in tmp_path.glob("*.tif"):
        path.rename(tmp_path / "moved" / path.name)
    link.unlink()
    link.symlink_to(tmp_path / "moved")
    assert begin(typed).todo == (1, 2)


@pytest.mark.parametrize("named", ["both", "as on disk", "as typed"])
def test_finished_chunks_are_kept_whichever_way_their_paths_were_known(job, tmp_path, named):
    _, typed = linked(job, tmp_path)
    compute(typed, (begun := begin(typed)), 0)
    keys = chunks_keys(typed, begun.keys)
    names = {"both": "-".join(keys), "as on disk": keys[0], "as typed": keys[1]}
    folder = job.folder / CHUNKS / begun.chunks
    folder.rename(folder.with_name(names[named]))
    assert begin(typed).todo == (1, 2)
    assert begin(job).todo == ((0, 1, 2) if named == "as typed" else (1, 2))


@pytest.mark.skipif(os.name == "nt", reason="names of files have cases to look up")
def test_folders_are_resolved_once_and_linked_files_each(job, tmp_path, monkeypatch):
    places = [tmp_path / name for name in ("far", "near", "link")]
    for place in places[:2]:
        place.mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "near")
    for i in range(9):
        (tmp_path / "near" / f"{i}.tif").touch()
    (tmp_path / "near" / "0.tif").rename(tmp_path / "far" / "0.tif")
    (tmp_path / "near" / "0.tif").symlink_to(tmp_path / "far" / "0.tif")
    typed = [str(places[2] / f"{i}.tif") for i in range(9)]
    as_on_disk = [str(Path(file).resolve()) for file in typed]
    wanted, asked, resolve = results_keys(job, as_on_disk).resolved, [], Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda path: (asked.append(path), resolve(path))[1])
    assert results_keys(job, typed).resolved == wanted
    of_stack = [path for path in asked if path.is_relative_to(places[2])]
    assert of_stack == [places[2] / "0.tif", places[2]]


@pytest.mark.parametrize("when", ["finished", "begun"])
def test_a_note_is_told_once_however_the_stack_is_typed(job, tmp_path, when):
    link, _ = linked(job, tmp_path)
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file["exchange/data"] = moving_frames(22, 1)
        file["exchange/data_white"] = np.full((2, 32, 96), 4000, np.uint16)
    job = replace(job, stack=str(tmp_path / "raw.h5"), chain=Chain().to_json())
    typed = replace(job, stack=str(link / "raw.h5"))
    if when == "finished":
        done(job)
        notes = begin(typed).notes
    else:
        compute(job, begin(job), 0)
        notes = done(typed).notes
    assert sum("flats recorded with the stack" in note for note in notes) == 1


def test_notes_on_the_numbers_come_with_the_stack(job):
    known = job.experiment
    job = replace(job, experiment=replace(known, pixel_size_um=None))
    begun = begin(job)
    (empty,) = begun.remarks
    assert empty.startswith("pixel_size_um is said neither by the table nor by the file: columns")
    for chunk in begun.todo:
        compute(job, begun, chunk)
    first = join(job, begun)
    run = json.loads((job.folder / "e_run.json").read_text())
    assert first.notes == (empty, *run["notes"])
    assert begin(job).notes == first.notes
