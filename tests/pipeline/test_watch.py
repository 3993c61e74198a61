"""Watching a folder: real files written by threads and processes, results as of `amseg segment`."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from napari_amseg import read_stack
from napari_amseg.models import ModelCard, build, load_bundle, save_bundle
from napari_amseg.pipeline import RunRequest, segment_to_files
from napari_amseg.pipeline.watch.events import (
    FrameMeasured,
    Remark,
    StackDone,
    StackFailed,
    StackFound,
    StackKnown,
    Waiting,
    WatchRequest,
    WatchSettings,
)
from napari_amseg.pipeline.watch.folder import watch
from napari_amseg.pipeline.watch.live import LiveTable
from napari_amseg.pipeline.watch.scan import FolderScan
from napari_amseg.pipeline.watch.seen import seen
from napari_amseg.preprocess import Background, Chain, Crop, FlatField, Normalise, statistics
from napari_amseg.segment import SegmentSettings
from napari_amseg.types import sample_indices

KERAS = SegmentSettings(engine="keras", batch_size=4)
TABLES = ("labels.tif", "frames.csv", "pores.csv", "pore_tracks.csv", "summary.json")
PLAIN = {"photometric": "minisblack", "metadata": None}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    model = build("amsegnet", n_classes=5, filters=1)
    card = ModelCard("amsegnet", {"filters": 1}, chain=Chain((Normalise(),)))
    return save_bundle(tmp_path_factory.mktemp("models") / "tiny", model, card)


class Clock:
    """Time that passes only when somebody sleeps; `at` does things on the way."""

    def __init__(self):
        self.now, self._plans = 0.0, []

    def at(self, when, action):
        self._plans.append((when, len(self._plans), action))
        self._plans.sort()

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        while self._plans and self._plans[0][0] <= self.now:
            self._plans.pop(0)[2]()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def asked(tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    return WatchRequest(
        folder=folder,
        out=tmp_path / "out",
        segment=KERAS,
        watch=WatchSettings(settle=2.0, poll=0.25, first_frames=3),
        pixel_size_um=2.0,
        frame_rate_hz=1000.0,
        until_idle_s=1.0,
    )


def events_of(asked, bundle, clock):
    events = []
    for event in watch(asked, bundle, clock=clock, sleep=clock.sleep):
        if isinstance(event, FrameMeasured):
            event = replace(event, raw=partial(np.array, event.raw()))
        events.append(event)
    return events


def of(kind, events):
    return [e for e in events if isinstance(e, kind)]


def compare_with_segment(asked, bundle, source, stem, folder):
    """The results are those of ``amseg segment``, byte for byte."""
    known = {"pixel_size_um": asked.pixel_size_um, "frame_rate_hz": asked.frame_rate_hz}
    with read_stack(source, **known) as stack:
        segment_to_files(
            RunRequest(stack, folder, stem, chain=asked.chain, segment=asked.segment), bundle
        )
    for kind in TABLES:
        ours, theirs = ((f / f"{stem}_{kind}").read_bytes() for f in (asked.out, folder))
        assert ours == theirs, kind
    one, other = (json.loads((f / f"{stem}_run.json").read_text()) for f in (asked.out, folder))
    assert {k for k in one if one[k] != other.get(k)} <= {"watched", "seconds", "command"}
    assert one["command"][:2] == ["amseg", "segment"]
    into = [str(f) for f in (asked.out, folder)]  # where the results and the chain are
    told = [
        " ".join(run["command"]).replace(f, "OUT")
        for run, f in zip((one, other), into, strict=True)
    ]
    assert told[0] == told[1]


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def page_by_page(path, frames, clock, *, start, every, **options):
    """A camera that adds a page at a time, in the time of the test."""
    writer = []

    def write(frame):
        if not writer:
            writer.append(tifffile.TiffWriter(path))
        writer[0].write(frame, contiguous=False, **{**PLAIN, **options})
        writer[0].filehandle.flush()

    for i, frame in enumerate(frames):
        clock.at(start + i * every, lambda frame=frame: write(frame))
    clock.at(start + len(frames) * every, lambda: writer[0].close())


def test_a_stack_that_is_complete_gives_the_files_of_segment(
    asked, bundle, clock, frames, tmp_path
):
    path = asked.folder / "run.tif"
    tifffile.imwrite(path, frames, **PLAIN)
    events = events_of(asked, bundle, clock)
    assert of(StackFound, events) == [StackFound("run", "run.tif", growing=False)]
    done = of(FrameMeasured, events)
    assert [e.frame for e in done] == list(range(6))
    assert not any(e.provisional for e in done)
    np.testing.assert_array_equal(done[4].raw(), frames[4])
    assert of(StackDone, events)[0].n_frames == 6
    compare_with_segment(asked, bundle, path, "run", tmp_path / "reference")
    assert not list(asked.out.glob("*live*"))


def test_a_growing_stack_is_measured_as_it_grows_and_done_again_at_its_end(
    asked, clock, drawn_frames, tmp_path
):
    bundle = load_bundle("fast")
    path = asked.folder / "run.tif"
    grey = drawn_frames[0][:6].astype(np.uint16)
    brighter = np.concatenate([grey, grey + 300])  # other grey limits than the first frames
    page_by_page(path, brighter, clock, start=1, every=0.5)
    live, n_rows = asked.out / "run_live.csv", []
    events = []
    for event in watch(asked, bundle, clock=clock, sleep=clock.sleep):
        events.append(event)
        if isinstance(event, FrameMeasured):
            table = rows(live)
            n_rows.append(len(table))
            assert [int(r["frame"]) for r in table] == list(range(len(table)))
            if event.provisional:
                assert float(table[-1]["keyhole_area_px"]) == event.row["keyhole_area_px"]
                assert table[-1]["grey_limits"] == "first 3"
    early = [e for e in of(FrameMeasured, events) if e.provisional]
    final = [e for e in of(FrameMeasured, events) if not e.provisional]
    assert [e.frame for e in early] == list(range(11))  # the last comes with the end
    assert [e.frame for e in final] == list(range(12))
    assert n_rows == [*range(1, 12), *[11] * 11, 12]
    assert early[2].n_frames < 12
    assert any(not np.array_equal(a.labels, b.labels) for a, b in zip(early, final, strict=False))
    compare_with_segment(asked, bundle, path, "run", tmp_path / "reference")
    assert not live.exists()


@pytest.mark.parametrize("odd", [4, 9])
def test_live_rows_of_a_stack_that_fails_at_its_end_are_kept(asked, bundle, clock, frames, odd):
    """A page of another size: met while it grows, or as the last, which is left until the end."""
    path, live = asked.folder / "run.tif", asked.out / "run_live.csv"
    pages = [*frames, *frames[:4]]
    pages[odd] = pages[odd][:16]
    page_by_page(path, pages, clock, start=0.5, every=0.5)
    (failed,) = of(StackFailed, events_of(asked, bundle, clock))
    assert f"page {odd} is 16x48" in failed.reason
    assert failed.reason.endswith(f" Its live rows are kept in {live}.")
    assert [int(row["frame"]) for row in rows(live)] == list(range(odd))
    tifffile.imwrite(path, frames, **PLAIN)
    assert of(StackDone, events_of(asked, bundle, Clock()))
    assert not live.exists()


def test_live_rows_stay_when_another_try_fails_half_way(asked, bundle, clock, frames, monkeypatch):
    path, live = asked.folder / "run.tif", asked.out / "run_live.csv"
    monkeypatch.setattr(statistics, "SAMPLE_FRAMES", 15)  # those that grey limits are taken from
    many = [*frames] * 25  # more than are read ahead
    page_by_page(path, many, clock, start=0.5, every=0.1, compression="zlib")
    sampled = sample_indices(len(many), 15)
    bad = next(t for t in range(len(many) // 2, len(many)) if t not in sampled)

    def damage():
        with tifffile.TiffFile(path) as tif:
            offset, count = tif.pages[bad].dataoffsets[0], tif.pages[bad].databytecounts[0]
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(b"\xff" * count)

    clock.at(1.0 + 0.1 * len(many), damage)
    n_rows = []
    for again in (clock, Clock()):
        (failed,) = of(StackFailed, events_of(asked, bundle, again))
        assert f"frame {bad} cannot be decoded" in failed.reason
        assert str(live) in failed.reason
        n_rows.append(len(rows(live)))
        assert [path.name for path in asked.out.glob("*live*")] == ["run_live.csv"]
    assert n_rows == [len(many) - 1] * 2  # the last page is left until the end


def test_a_later_try_takes_the_place_of_fewer_live_rows(asked, bundle, clock, frames):
    tifffile.imwrite(asked.folder / "run.tif", frames, **PLAIN)
    asked.out.mkdir()
    live = asked.out / "run_live.csv"
    earlier = LiveTable(asked.out, "run")
    for t in range(3):
        earlier.append(SimpleNamespace(frame=t, row={"frame": 100 + t}), "earlier")
    earlier.close()
    seen_rows = []
    for event in watch(asked, bundle, clock=clock, sleep=clock.sleep):
        if isinstance(event, FrameMeasured):
            seen_rows.append([int(row["frame"]) for row in rows(live)])
    assert seen_rows == [[100, 101, 102]] * 2 + [list(range(n)) for n in (3, 4, 5, 6)]
    assert not list(asked.out.glob("*live*"))


def test_rows_of_images_that_came_late_are_not_kept_their_numbers_were_wrong(
    asked, bundle, clock, frames
):
    for i, number in enumerate((0, 2, 4, 6, 8, 7)):
        path = asked.folder / f"{number}.tif"
        clock.at(0.5 + i / 2, lambda p=path, n=i: tifffile.imwrite(p, frames[n], **PLAIN))
    there = []
    for event in watch(asked, bundle, clock=clock, sleep=clock.sleep):
        if isinstance(event, Remark) and "came late" in event.text:
            there = list(asked.out.glob("*live*"))
            break
    else:
        pytest.fail("nothing came late")
    assert not there


def test_a_page_by_page_file_as_tifffile_writes_it_is_done(asked, bundle, clock, frames, tmp_path):
    """Nothing said of metadata: every page is a series of its own, of the same kind."""
    path = asked.folder / "run.tif"
    page_by_page(path, frames, clock, start=0.5, every=0.5, metadata={})
    events = events_of(asked, bundle, clock)
    assert not of(StackFailed, events)
    assert [e.frame for e in of(FrameMeasured, events) if e.provisional] == list(range(5))
    compare_with_segment(asked, bundle, path, "run", tmp_path / "reference")


def test_a_sequence_in_a_sub_folder_waits_for_a_late_number(asked, bundle, clock, frames, tmp_path):
    folder = asked.folder / "plate 7"
    order = (0, 1, 2, 4, 3, 5)
    folder.mkdir()
    for i, number in enumerate(order):
        path = folder / f"f ({number + 7}).tif"
        clock.at(0.5 + i / 2, lambda p=path, n=number: tifffile.imwrite(p, frames[n], **PLAIN))
    events = events_of(asked, bundle, clock)
    early = [e for e in of(FrameMeasured, events) if e.provisional]
    assert [e.frame for e in early] == list(range(5))
    for event in early:
        np.testing.assert_array_equal(event.raw(), frames[event.frame])
    assert of(StackDone, events)[0].stem == "plate 7"
    compare_with_segment(asked, bundle, folder, "plate 7", tmp_path / "reference")


def test_stacks_of_a_folder_get_names_of_their_own(asked, bundle, clock, frames):
    for name in ("one_0001.png", "one_0002.png", "two_0001.png", "two_0002.png"):
        tifffile.imwrite(asked.folder / "x.tif", frames[0], **PLAIN)
        import imageio.v3 as iio

        iio.imwrite(asked.folder / name, (frames[int(name[7])] // 16).astype(np.uint8))
    (asked.folder / "x.tif").unlink()
    (asked.folder / "day" / "two").mkdir(parents=True)
    tifffile.imwrite(asked.folder / "day" / "run.ome.tif", frames[:2], **PLAIN)
    for i in (9, 10):
        tifffile.imwrite(asked.folder / "day" / "two" / f"{i}.tif", frames[i - 9], **PLAIN)
    done = of(StackDone, events_of(asked, bundle, clock))
    assert {e.stem: e.n_frames for e in done} == {"one": 2, "two": 2, "day_run": 2, "day_two": 2}


def test_half_a_file_is_waited_for_and_a_rename_is_seen(asked, bundle, clock, frames, tmp_path):
    whole = tmp_path / "whole.tif"
    tifffile.imwrite(whole, frames, **PLAIN)
    data, path = whole.read_bytes(), asked.folder / "run.tif"
    clock.at(0.5, lambda: path.write_bytes(data[: len(data) // 2]))
    clock.at(2.0, lambda: path.write_bytes(data))
    hidden = asked.folder / ".second.tif.tmp"
    clock.at(2.5, lambda: hidden.write_bytes(data))
    clock.at(3.0, lambda: hidden.rename(asked.folder / "second.tif"))
    events = events_of(replace(asked, until_idle_s=5.0), bundle, clock)
    assert not of(StackFailed, events)
    assert [e.stem for e in of(StackDone, events)] == ["run", "second"]
    compare_with_segment(asked, bundle, path, "run", tmp_path / "reference")


def test_a_file_that_cannot_be_read_is_named_once_and_tried_again_when_it_changes(
    asked, bundle, clock, frames
):
    bad, good = asked.folder / "bad.tif", asked.folder / "good.tif"
    bad.write_bytes(b"II*\0 no image")
    tifffile.imwrite(good, frames, **PLAIN)
    clock.at(20.0, lambda: tifffile.imwrite(bad, frames, **PLAIN))
    events = events_of(replace(asked, until_idle_s=30.0), bundle, clock)
    (failed,) = of(StackFailed, events)
    assert (failed.stem, failed.source) == ("bad", "bad.tif")
    assert "bad.tif" in failed.reason
    assert [e.stem for e in of(StackDone, events)] == ["good", "bad"]


def test_a_frame_that_cannot_be_decoded_fails_its_stack_and_leaves_nothing(
    asked, bundle, clock, frames
):
    path = asked.folder / "run.tif"
    with tifffile.TiffWriter(path) as tif:
        for frame in frames:
            tif.write(frame, contiguous=False, compression="zlib", **PLAIN)
    with tifffile.TiffFile(path) as tif:
        offset, count = tif.pages[5].dataoffsets[0], tif.pages[5].databytecounts[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * count)
    (failed,) = of(StackFailed, events_of(asked, bundle, clock))
    assert "frame 5 cannot be decoded" in failed.reason
    assert not list(asked.out.iterdir())


def test_finished_stacks_are_not_done_again_unless_their_file_has_changed(
    asked, bundle, clock, frames
):
    path = asked.folder / "run.tif"
    tifffile.imwrite(path, frames, **PLAIN)
    events_of(asked, bundle, clock)
    before = {p.name: p.stat().st_mtime_ns for p in asked.out.iterdir()}
    again = events_of(asked, bundle, Clock())
    assert of(StackKnown, again) == [StackKnown("run", "run.tif")]
    assert {p.name: p.stat().st_mtime_ns for p in asked.out.iterdir()} == before
    other = replace(asked, chain=Chain((Crop(y0=2),)), pixel_size_um=3.0)
    (known,) = of(StackKnown, events_of(other, bundle, Clock()))
    assert known.note == "pixel size, frame rate or scan speed and preprocessing"
    os.utime(path, ns=(1, 1))  # copied back: the same bytes
    assert of(StackKnown, events_of(asked, bundle, Clock()))
    tifffile.imwrite(path, frames[:4], **PLAIN)
    assert of(StackDone, events_of(asked, bundle, Clock()))[0].n_frames == 4


def test_results_of_segment_are_known_by_their_hash_and_corrected_labels_are_kept(
    asked, bundle, clock, frames
):
    path = asked.folder / "run.tif"
    tifffile.imwrite(path, frames, **PLAIN)
    with read_stack(path, pixel_size_um=2.0, frame_rate_hz=1000.0) as stack:
        segment_to_files(RunRequest(stack, asked.out, "run", segment=KERAS), bundle)
    events = events_of(asked, bundle, clock)
    assert of(StackKnown, events) == [StackKnown("run", "run.tif")]
    labels = asked.out / "run_labels.tif"
    labels.write_bytes(labels.read_bytes() + b"corrected by hand")
    assert of(StackKnown, events_of(asked, bundle, Clock()))
    tifffile.imwrite(path, frames[::-1], **PLAIN)
    (failed,) = of(StackFailed, events_of(asked, bundle, Clock()))
    assert "edited since" in failed.reason
    assert "--" not in failed.reason  # no option that a watch lacks
    assert labels.read_bytes().endswith(b"corrected by hand")


def test_results_in_the_folder_flats_and_hidden_files_are_no_stacks(
    asked, bundle, clock, frames, tmp_path
):
    flat = asked.folder / "flat.tif"
    tifffile.imwrite(flat, np.full_like(frames[0], 4000), **PLAIN)
    tifffile.imwrite(asked.folder / ".hidden.tif", frames, **PLAIN)
    for name in ("old_labels", "labels", "Labels", "labels.ome", "label", "run-labels"):
        tifffile.imwrite(asked.folder / f"{name}.tif", frames, **PLAIN)
    (asked.folder / "notes.txt").write_text("no image")
    path = asked.folder / "run.tif"
    tifffile.imwrite(path, frames, **PLAIN)
    asked = replace(
        asked,
        out=asked.folder / "results",
        chain=Chain((FlatField(flat=str(flat)), Background())),
    )
    events = events_of(asked, bundle, clock) + events_of(asked, bundle, Clock())
    assert [e.stem for e in of(StackDone, events)] == ["run"]
    assert [e.stem for e in of(StackKnown, events)] == ["run"]
    compare_with_segment(asked, bundle, path, "run", tmp_path / "reference")


def test_only_what_is_called_labels_is_left_out_and_every_one_is_named(
    asked, bundle, clock, frames
):
    stacks = ("white-label", "no_label_0001", "Ti64 label 3", "labels_of_steel")
    labels = ("labels", "b-Labels", "run_labels_001", "run_labels_002", "x_labels7", "label_0003")
    for name in (*stacks, *labels):
        tifffile.imwrite(asked.folder / f"{name}.tif", frames, **PLAIN)
    (asked.folder / "old_labels").mkdir()
    events = events_of(asked, bundle, clock)
    assert {e.stem for e in of(StackDone, events)} == set(stacks)
    (said,) = (e.text for e in of(Remark, events) if "as labels" in e.text)
    files = ("b-Labels.tif", "label_*.tif", "labels.tif", "old_labels", "run_labels_*.tif")
    assert said.startswith(", ".join((*files, "x_labels*.tif")) + ":")


def test_a_chain_that_needs_more_frames_is_done_at_the_end_only(asked, bundle, clock, frames):
    page_by_page(asked.folder / "run.tif", frames, clock, start=0.5, every=0.5)
    rolling = Chain((Background(method="previous", window=4),))
    events = events_of(replace(asked, chain=rolling), bundle, clock)
    assert "needs a stack of more frames" in of(Remark, events)[0].text
    assert not any(e.provisional for e in of(FrameMeasured, events))
    assert of(StackDone, events)[0].n_frames == 6


def test_a_stack_that_goes_on_after_a_pause_is_done_again(asked, bundle, clock, frames, tmp_path):
    folder = asked.folder / "exp"
    folder.mkdir()
    for t, when in enumerate((0, 0.2, 0.4, 10, 10.2, 10.4)):
        path = folder / f"{t}.tif"
        clock.at(when, lambda p=path, n=t: tifffile.imwrite(p, frames[n], **PLAIN))
    events = events_of(replace(asked, until_idle_s=12.0), bundle, clock)
    assert [e.n_frames for e in of(StackDone, events)] == [3, 6]
    compare_with_segment(asked, bundle, folder, "exp", tmp_path / "reference")


def test_a_file_that_changes_while_it_is_segmented_is_not_called_done(
    asked, bundle, clock, frames, tmp_path
):
    path = asked.folder / "run.tif"
    tifffile.imwrite(path, frames, **PLAIN)
    events = []
    for event in watch(asked, bundle, clock=clock, sleep=clock.sleep):
        if isinstance(event, FrameMeasured) and event.frame == 3 and not of(Remark, events):
            os.utime(path, ns=(10**18, 10**18))
        events.append(event)
    assert "changed while it was segmented" in of(Remark, events)[0].text
    assert len(of(StackDone, events)) == 1
    compare_with_segment(asked, bundle, path, "run", tmp_path / "reference")


def test_a_folder_that_is_away_for_a_while_is_waited_for(asked, bundle, clock, frames, tmp_path):
    away = tmp_path / "unmounted"
    clock.at(1.0, lambda: asked.folder.rename(away))
    clock.at(3.0, lambda: away.rename(asked.folder))
    clock.at(3.5, lambda: tifffile.imwrite(asked.folder / "run.tif", frames, **PLAIN))
    events = events_of(replace(asked, until_idle_s=6.0), bundle, clock)
    remarks = [e.text for e in of(Remark, events) if not e.stem]
    assert [("again" in text) for text in remarks] == [True, True]
    assert "cannot be read" in remarks[0]
    assert of(StackDone, events)[0].stem == "run"


def test_what_cannot_work_is_said_at_once(asked, bundle, clock, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        events_of(replace(asked, folder=tmp_path / "nowhere"), bundle, clock)
    with pytest.raises(ValueError, match="cannot go into the watched folder itself"):
        events_of(replace(asked, out=asked.folder / ".." / "camera"), bundle, clock)
    for name in ("pixel_size_um", "frame_rate_hz", "scan_speed_mm_s"):
        for value in (-2.0, 0.0, float("nan")):
            with pytest.raises(ValueError, match=f"{name} is .* must be a positive number"):
                events_of(replace(asked, **{name: value}), bundle, clock)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="is a file"):
        events_of(replace(asked, folder=tmp_path / "file"), bundle, clock)
    with pytest.raises(NotADirectoryError):
        events_of(replace(asked, out=tmp_path / "file"), bundle, clock)


def test_a_watch_that_is_stopped_drops_the_stack_at_hand(asked, bundle, clock, frames):
    tifffile.imwrite(asked.folder / "run.tif", frames, **PLAIN)
    stop = threading.Event()
    for event in watch(asked, bundle, clock=clock, sleep=clock.sleep, stopped=stop.is_set):
        if isinstance(event, FrameMeasured):
            assert event.frame == 0
            stop.set()
    assert {p.name for p in asked.out.iterdir()} == {"run_live.csv"}
    assert of(StackDone, events_of(asked, bundle, Clock()))


def test_waiting_names_what_is_not_complete(asked, bundle, clock, frames):
    tifffile.imwrite(asked.folder / "run.tif", frames, **PLAIN)
    waits = of(Waiting, events_of(asked, bundle, clock))
    assert waits[0].unfinished == ("run",)
    assert waits[-1].unfinished == ()


WRITE = """
import sys, time, numpy as np, tifffile
with tifffile.TiffWriter(sys.argv[1]) as tif:
    for frame in np.load(sys.argv[2]):
        tif.write(frame, contiguous=False, photometric="minisblack", metadata=None)
        time.sleep(0.03)
"""

WATCH = """
import sys
from pathlib import Path
from napari_amseg.models import load_bundle
from napari_amseg.pipeline.watch.folder import watch
from napari_amseg.pipeline.watch.events import FrameMeasured, WatchRequest, WatchSettings
from napari_amseg.segment import SegmentSettings
from napari_amseg.types import sample_indices
request = WatchRequest(
    Path(sys.argv[1]), Path(sys.argv[2]), segment=SegmentSettings(engine="keras", batch_size=4),
    watch=WatchSettings(settle=0.2, poll=0.05), pixel_size_um=2.0, frame_rate_hz=1000.0,
)
for event in watch(request, load_bundle(sys.argv[3])):
    if isinstance(event, FrameMeasured) and event.frame >= 8:
        print("working", flush=True)
"""


@pytest.mark.slow
def test_another_process_writes_slowly_and_all_is_as_segment_gives_it(
    asked, bundle, frames, tmp_path
):
    many = np.concatenate([frames] * 20)
    np.save(tmp_path / "frames.npy", many)
    asked = replace(
        asked, watch=WatchSettings(settle=3.0, poll=0.05, first_frames=5), until_idle_s=None
    )
    paths = [asked.folder / f"run{i}.tif" for i in range(2)]
    live, writers, n_done = [], [], 0
    for event in watch(asked, bundle):
        if not writers:  # the engine is there
            command = [sys.executable, "-c", WRITE]
            writers = [
                subprocess.Popen([*command, str(p), str(tmp_path / "frames.npy")]) for p in paths
            ]
        if isinstance(event, FrameMeasured) and event.provisional:
            live.append(len(rows(asked.out / f"{event.stem}_live.csv")))
        n_done += isinstance(event, StackDone) and event.n_frames == len(many)
        if n_done == 2:
            break
    assert [w.wait(30) for w in writers] == [0, 0]
    assert live
    for path in paths:
        compare_with_segment(asked, bundle, path, path.stem, tmp_path / "reference")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_after_a_kill_only_hidden_parts_are_left_and_the_next_start_is_fine(
    asked, bundle, frames, tmp_path
):
    path = asked.folder / "run.tif"
    tifffile.imwrite(path, np.concatenate([frames] * 500), **PLAIN)
    command = [sys.executable, "-c", WATCH, str(asked.folder), str(asked.out), str(bundle.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "working\n"
        child.send_signal(signal.SIGKILL)
    left = [p.name for p in asked.out.iterdir()]
    assert all(name.startswith(".") or name == "run_live.csv" for name in left)
    assert any(name.endswith(".part") for name in left)
    table = (asked.out / "run_live.csv").read_text()
    assert table.endswith("\n")
    assert len(set(map(len, csv.reader(table.splitlines())))) == 1  # whole rows
    tifffile.imwrite(path, frames, **PLAIN)
    events_of(asked, bundle, Clock())
    compare_with_segment(asked, bundle, path, "run", tmp_path / "reference")
    assert not (asked.out / "run_live.csv").exists()
    assert not list(asked.out.glob(".*"))


def test_parts_of_other_stacks_or_that_somebody_writes_on_are_left(asked, bundle, clock, frames):
    tifffile.imwrite(asked.folder / "run.tif", frames, **PLAIN)
    asked.out.mkdir()
    mine, written_on, live, other = (
        asked.out / f".{name}.0123abcd.part"
        for name in ("run_labels.tif", "run_frames.csv", "run_live.csv", "other_labels.tif")
    )
    for part in (mine, written_on, live, other):
        part.write_bytes(b"half")
    clock.at(0.5, lambda: written_on.write_bytes(b"half and more"))
    events_of(asked, bundle, clock)
    assert set(asked.out.glob(".*")) == {written_on, other}


def flat_of(value, frames, path):
    tifffile.imwrite(path, np.full_like(frames[0], value), **PLAIN)
    return str(path)


def test_live_rows_take_the_flat_before_the_stack_only(asked, bundle, clock, frames, tmp_path):
    before, after = (flat_of(v, frames, tmp_path / f"{v}.tif") for v in (4000, 2000))
    with read_stack(before) as stack:
        drifting = FlatField(flat=before, flat_after=after).fit(stack)
    path = asked.folder / "run.tif"
    page_by_page(path, frames, clock, start=0.5, every=0.5)
    asked = replace(asked, chain=Chain((drifting,)))
    early = [e for e in of(FrameMeasured, events_of(asked, bundle, clock)) if e.provisional]
    compare_with_segment(asked, bundle, path, "run", tmp_path / "reference")
    (asked.folder / "run.tif").unlink()
    fixed = replace(asked, chain=Chain((FlatField(flat=before),)), out=tmp_path / "fixed")
    other = Clock()
    page_by_page(path, frames, other, start=0.5, every=0.5)
    expected = [e for e in of(FrameMeasured, events_of(fixed, bundle, other)) if e.provisional]
    assert [e.frame for e in early] == list(range(5))
    for one, two in zip(early, expected, strict=True):
        np.testing.assert_array_equal(one.labels, two.labels)


def test_what_is_worth_knowing_about_a_stack_is_said_once(asked, bundle, clock, frames, tmp_path):
    folder = asked.folder / "seq"
    folder.mkdir()
    for t in (0, 1, 2, 4, 5):
        tifffile.imwrite(folder / f"{t}.tif", frames[t], **PLAIN)
    flat = np.full_like(frames[0], 4000)
    flat[3, 5] = 0
    tifffile.imwrite(tmp_path / "flat.tif", flat, **PLAIN)
    chain = Chain((FlatField(flat=str(tmp_path / "flat.tif")),))
    events = events_of(replace(asked, chain=chain), bundle, clock)
    texts = [e.text for e in of(Remark, events) if e.stem == "seq"]
    assert len([t for t in texts if "frames may be missing, times may be wrong" in t]) == 1
    assert "flat field: 1 dead pixels filled" in texts
    assert len(set(texts)) == len(texts)
    assert set(of(StackDone, events)[0].record["notes"]) == set(texts)


def test_of_two_stacks_of_one_name_the_second_is_refused_until_it_is_renamed(
    asked, bundle, clock, frames, tmp_path
):
    first, second = asked.folder / "a_b.tif", asked.folder / "a" / "b.tif"
    second.parent.mkdir()
    tifffile.imwrite(first, frames, **PLAIN)
    clock.at(0.5, lambda: tifffile.imwrite(second, frames[::-1], **PLAIN))
    events = events_of(asked, bundle, clock)
    (failed,) = of(StackFailed, events)
    assert (failed.stem, failed.source) == (os.path.join("a", "b.tif"),) * 2
    assert "would be called 'a_b', as those of a_b.tif: rename one" in failed.reason
    again = events_of(asked, bundle, Clock())  # whichever comes first in the folder
    assert of(StackKnown, again) == [StackKnown("a_b", "a_b.tif")]
    assert of(StackFailed, again) == [failed]
    compare_with_segment(asked, bundle, first, "a_b", tmp_path / "reference")
    second.rename(asked.folder / "a" / "c.tif")
    assert [e.stem for e in of(StackDone, events_of(asked, bundle, Clock()))] == ["a_c"]


def test_links_are_left_out(asked, bundle, clock, frames, tmp_path):
    tifffile.imwrite(tmp_path / "elsewhere.tif", frames, **PLAIN)
    try:
        (asked.folder / "link.tif").symlink_to(tmp_path / "elsewhere.tif")
    except OSError:
        pytest.skip("no links here")
    events = events_of(asked, bundle, clock)
    assert not of(StackFound, events)


def test_a_stack_written_over_one_that_is_followed_is_begun_anew(
    asked, bundle, clock, frames, tmp_path
):
    path, long = asked.folder / "run.tif", tmp_path / "long.tif"
    with tifffile.TiffWriter(long) as tif:
        for frame in (*frames[::-1], *frames[::-1]):
            tif.write(frame, contiguous=False, **PLAIN)
    page_by_page(path, frames[:5], clock, start=0.5, every=0.25)
    clock.at(2.0, lambda: path.write_bytes(long.read_bytes()))
    events = events_of(asked, bundle, clock)
    (remark,) = [e for e in of(Remark, events) if "begun anew" in e.text]
    since = events[events.index(remark) :]
    early = [e for e in of(FrameMeasured, since) if e.provisional]
    assert [e.frame for e in early] == list(range(11))
    for event in early:
        np.testing.assert_array_equal(event.raw(), frames[5 - event.frame % 6])
    compare_with_segment(asked, bundle, path, "run", tmp_path / "reference")


def test_a_table_of_the_users_is_not_taken_for_a_live_one(asked, bundle, clock, frames):
    tifffile.imwrite(asked.folder / "run.tif", frames, **PLAIN)
    asked.out.mkdir()
    theirs = asked.out / "run_live.csv"
    theirs.write_text("my,notes\n1,2\n")
    n_rows = []
    for event in watch(asked, bundle, clock=clock, sleep=clock.sleep):
        if isinstance(event, FrameMeasured):
            n_rows.append(len(rows(asked.out / "run_live_2.csv")))
        if isinstance(event, Remark) and "rows go to" in event.text:
            assert "run_live_2.csv" in event.text
    assert n_rows == [1, 2, 3, 4, 5, 6]
    assert theirs.read_text() == "my,notes\n1,2\n"
    assert not (asked.out / "run_live_2.csv").exists()


def test_of_many_images_few_are_asked_for_and_a_change_is_seen_all_the_same(
    asked, frames, monkeypatch
):
    folder = asked.folder / "seq"
    folder.mkdir()
    for t in range(400):
        tifffile.imwrite(folder / f"{t}.tif", frames[t % 6, :8, :8], **PLAIN)
    scan, n_asked = FolderScan(asked.folder, set()), []
    scan.look()

    def counted(path):
        n_asked.append(path)
        return seen(path)

    monkeypatch.setattr("napari_amseg.pipeline.watch.seen.seen", counted)
    tifffile.imwrite(folder / "400.tif", frames[0, :8, :8], **PLAIN)
    (source,) = scan.look()
    assert len(source.files) == 401
    assert len(n_asked) < 100
    tifffile.imwrite(folder / "200.tif", frames[1, :8, :8] + 1, **PLAIN)
    assert not source.unchanged()
    scan.forget(source)
    assert scan.look()[0].unchanged()
    tifffile.imwrite(folder / "200.tif", frames[2, :8, :8] + 1, **PLAIN)
    assert any(scan.look()[0].unchanged() for _ in range(401 // 64 + 1))  # in turn, too
