"""Frames whose annotation is not complete are told, and kept out of training and scores."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_amseg.dataset import (
    FrameId,
    check_benchmark,
    grouped_split,
    listed_split,
    load_split,
    open_benchmark,
    random_split,
    save_split,
)
from napari_amseg.dataset.annotation_status import (
    FrameStatus,
    incomplete_frames,
    read_statuses,
    status_path,
    update_statuses,
    without_incomplete,
    write_statuses,
)

ROWS = (
    FrameStatus("0002", "in progress", "Ann, B.", "2024-03-11T09:45:00+00:00", 0.25),
    FrameStatus("0001", "complete", "Bob"),
    FrameStatus("0004", "suggested"),
    FrameStatus("0099", "in progress"),  # its files were removed
)
HALF_DONE = {FrameId("run a", "0002"), FrameId("run a", "0004")}


@pytest.fixture
def half_done(bench):
    write_statuses(status_path(bench.folder, "run a"), ROWS)
    return bench


def test_rows_come_back_in_natural_order(tmp_path):
    path = tmp_path / "annotation" / "run.csv"
    assert read_statuses(path) == {}
    write_statuses(path, ROWS)
    assert list(read_statuses(path).values()) == sorted(ROWS, key=lambda row: row.frame)
    assert path.read_text().splitlines()[0] == "frame,status,annotator,saved,labelled_share"
    newer = replace(ROWS[0], status="complete", labelled_share=1.0)
    update_statuses(path, {"0002": newer, "0001": None})
    found = read_statuses(path)
    assert found["0002"] == newer
    assert set(found) == {"0002", "0004", "0099"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("frame,status\n", "expected the columns frame, status, annotator"),
        ("HEAD\n0001,done,,,\n", "line 2: status is 'done', expected one of untouched"),
        ("HEAD\n0001,complete,,,\n0002,complete\n", "line 3: expected 5 cells"),
        ("HEAD\n,complete,,,\n", "line 2: expected 5 cells"),
        ("HEAD\n0001,complete,,,half\n", "line 2: labelled_share is 'half'"),
        ("HEAD\n\udcff,complete,,,\n", "not a readable table"),
    ],
)
def test_tables_that_cannot_be_read_are_named(bench, text, words):
    path = status_path(bench.folder, "run a")
    path.parent.mkdir()
    text = text.replace("HEAD", "frame,status,annotator,saved,labelled_share")
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=words):
        read_statuses(path)
    (line,) = [str(f) for f in check_benchmark(bench.folder) if f.error]
    assert line.startswith("error: annotation/run a.csv: ")
    assert words.split("'")[0] in line


def test_labels_without_a_row_are_complete(half_done):
    assert set(incomplete_frames(half_done)) == HALF_DONE
    left, (note,) = without_incomplete(half_done)
    assert set(half_done.frames) - set(left.frames) == HALF_DONE
    assert note == ("left out: 1 frames in progress (run a/0002); 1 frames suggested (run a/0004)")


def test_check_tells_them_and_takes_nothing_as_stray(half_done):
    (half_done.folder / "annotation" / "backups" / "run a").mkdir(parents=True)
    (half_done.folder / "annotation" / "run a.lock").touch()
    found = [str(finding) for finding in check_benchmark(half_done.folder)]
    assert found[-1] == (
        "note: annotation/run a.csv: 1 frames in progress (run a/0002); "
        "1 frames suggested (run a/0004): splits leave them out"
    )
    assert len(found) == 2  # the other: a row of unlabelled pixels


@pytest.mark.parametrize("make", [random_split, listed_split])
def test_splits_leave_them_out_unless_asked(half_done, make):
    split = make(half_done)
    assert HALF_DONE.isdisjoint(split.subset_of)
    assert len(split.subset_of) == len(half_done.frames) - 2
    assert "left out: 1 frames in progress" in split.notes[0]
    asked = make(half_done, incomplete=True)
    assert set(asked.subset_of) == set(half_done.frames)
    assert asked.notes == ()
    assert asked.record["incomplete"] is True


def test_a_grouped_split_leaves_them_out(half_done):
    split = grouped_split(half_done, parts=(1, 0, 1))
    assert HALF_DONE.isdisjoint(split.subset_of)
    assert len(split.subset_of) == len(half_done.frames) - 2


def test_a_split_that_has_them_says_so(half_done):
    save_split(half_done, random_split(half_done, incomplete=True, name="all"))
    save_split(half_done, random_split(half_done))
    bench = open_benchmark(half_done.folder)
    assert load_split(bench, "all").notes == (
        "split all: has 1 frames in progress (run a/0002); 1 frames suggested (run a/0004): "
        "scores will change",
    )
    assert load_split(bench, "random").notes == ()  # not "newer frames"


def test_frames_taken_up_again_leave_a_split_that_has_them(bench):
    save_split(bench, random_split(bench))
    write_statuses(status_path(bench.folder, "run a"), ROWS)
    split = load_split(bench, "random")
    assert HALF_DONE.isdisjoint(split.subset_of)
    assert len(split.subset_of) == len(bench.frames) - 2
    (note,) = split.notes
    assert note.startswith("split random: left out: 1 frames in progress (run a/0002); 1 frames")


def test_the_command_line(half_done):
    from typer.testing import CliRunner

    from napari_amseg.cli import app

    def run(*arguments):
        result = CliRunner().invoke(app, ["dataset", *map(str, arguments)])
        assert result.exit_code == 0, result.output
        return result.output

    told = run("info", half_done.folder).replace("\n", " ")
    assert "counted too, but not complete: 1 frames in progress" in told
    assert "left out: 1 frames in progress" in run("split", half_done.folder).replace("\n", " ")
    run("split", half_done.folder, "--incomplete", "--name", "all")
    bench = open_benchmark(half_done.folder)
    assert len(load_split(bench, "random").subset_of) == 6
    assert len(load_split(bench, "all").subset_of) == 8
