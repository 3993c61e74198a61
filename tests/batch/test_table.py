"""The table of a campaign: what a row says, and what is wrong with it by line and column."""

from __future__ import annotations

import pytest

from napari_amseg.batch.table import read_stacks


def write(path, *rows, encoding="utf-8"):
    path.write_text("\n".join(rows) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_row_is_a_stack_with_its_parameters(tmp_path, separator):
    heading = ("experiment", "stack", "pixel_size_um", "flat", "crop", "laser_power_w", "pores",
               "shift", "keyhole_depth_mean_um", "labels")  # fmt: skip
    row = ("run 3", "raw/*.tif", "4.31", "/flats/f.tif", "2:30 :", "350", "yes", "night", "9", "l")
    row = (*row[:4], '"0:256,10:100"', *row[5:])
    table = write(
        tmp_path / "c.csv", separator.join(heading), separator.join(row), encoding="utf-8-sig"
    )
    (stack,) = read_stacks(table)
    assert stack.name == "run 3"
    assert stack.stack == str(tmp_path / "raw" / "*.tif")
    assert (stack.experiment.pixel_size_um, stack.experiment.laser_power_w) == (4.31, 350)
    assert stack.experiment.frame_rate_hz is None
    assert (dict(stack.fields), stack.crop) == ({"flat": "/flats/f.tif"}, "0:256,10:100")
    assert dict(stack.more) == {"pores": "yes", "shift": "night"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["experiment,path", "a,b"], "column stack is missing"),
        (["experiment,stack", "a,b", "a,c"], "line 3: experiment 'a' has two rows"),
        (["experiment,stack", "a,b", "A,c"], "line 3: experiment 'A' differs from 'a' in case"),
        (["experiment,stack", "a,b", "c,"], "line 3: stack is empty"),
        (["experiment,stack", "a/b,c"], "line 2: experiment is 'a/b'"),
        (["experiment,stack", "Campaign.CSV,c"], "line 2: experiment is 'Campaign.CSV': a file"),
        (["experiment,stack", "campaign_report.json,c"], "a file of the results is named so"),
        (["experiment,stack", f"{101 * 'a'},c"], "line 2: experiment has 101 characters"),
        (["experiment,stack", f"{60 * 'é'},c"], "line 2: experiment has 60 characters"),
        (["experiment,stack,pixel_size_um", "a,b,two"], "line 2: pixel_size_um is 'two'"),
        (["experiment,stack,pixel_size_um", "a,b,-2"], "line 2: pixel_size_um is -2"),
        (["experiment,stack,crop", "a,b,middle"], "line 2: crop is 'middle'"),
        (["experiment,stack,pores", "a,b,perhaps"], "line 2: pores is 'perhaps'"),
        (["experiment,stack", "a,b,c"], "line 2: expected 2 cells"),
        (["experiment,stack,stack", "a,b,c"], "column stack stands there more than once"),
        (["experiment,stack"], "the campaign is empty"),
        (["what is this"], "line 1: 'what is this' is not a heading"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, rows, words):
    table = write(tmp_path / "c.csv", *rows)
    with pytest.raises(ValueError, match=r"c\.csv") as caught:
        read_stacks(table)
    assert words in str(caught.value)
    assert str(caught.value).count("line") <= 1


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such table"):
        read_stacks(tmp_path)
