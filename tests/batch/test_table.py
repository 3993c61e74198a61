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
    (stack,), _ = read_stacks(table)
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
        (["name,path", "a,b"], "columns experiment and stack are missing"),
        (
            ["experiment,stack", "a,b,c,d"],
            "line 2: expected 2 cells, as the heading has, found 4",
        ),
        (["experiment;stack;shift", "a;b"], "found 2. Cells are separated by semicolons: one that"),
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


def noted(tmp_path, heading, row):
    _, notes = read_stacks(write(tmp_path / "c.csv", f"experiment,stack,{heading}", f"a,b,{row}"))
    return notes


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("pixelsize_um", "pixel_size_um"),
        ("Pixel_Size_um", "pixel_size_um"),
        ("pixel size (µm)", "pixel_size_um"),
        ("pixel_size_mm", "pixel_size_um"),
        ("frame_rate_khz", "frame_rate_hz"),
        ("scan_speed_m_s", "scan_speed_mm_s"),
        ("laser_power", "laser_power_w"),
        ("laserpower [kW]", "laser_power_w"),
        ("FrameRatekHz", "frame_rate_hz"),
        ("scan_speed_mm_per_s", "scan_speed_mm_s"),
        ("pixle_size_um", "pixel_size_um"),
        ("flats", "flat"),
        ("Flats After", "flat_after"),
        ("Crop", "crop"),
    ],
)
def test_a_column_spelt_nearly_as_one_that_numbers_depend_on_is_refused(tmp_path, column, meant):
    with pytest.raises(ValueError, match=f"c.csv: column .* is not known: is {meant} meant") as e:
        noted(tmp_path, f"shift,{column}", "night,4.31")
    assert ("in that unit" in str(e.value)) == (meant not in ("flat", "flat_after", "crop"))


@pytest.mark.parametrize(
    "column",
    ["flat1", "flat2", "dark2", "dark_2", "crop2", "float", "flat_after2", "pixel_size_x_um",
     "PixelSizeX", "laser_power_set_w", "laser_power_2", "scan_speed2_mm_s"],
)  # fmt: skip
def test_a_column_with_more_in_its_name_is_another_and_noted(tmp_path, column):
    (note,) = noted(tmp_path, column, "4")
    assert f": {column} (is " in note


def test_other_columns_are_allowed_and_named(tmp_path):
    (note,) = noted(tmp_path, "shift,power_w,frame_rate_hz,frame_rate_khz", "night,300,50000,50")
    assert note.endswith(": shift, power_w (is laser_power_w meant?), frame_rate_khz.")
    assert noted(tmp_path, "pores,summary,crop", "yes,s,") == ()


def test_a_dot_for_thousands_is_noted_once_a_column(tmp_path):
    table = write(tmp_path / "c.csv", "experiment,stack,pixel_size_um,frame_rate_hz",
                  "a,b,4.310,12.5", "c,d,4.310,50.000", "e,f,4.310,60.000")  # fmt: skip
    stacks, (note,) = read_stacks(table)
    assert [stack.experiment.frame_rate_hz for stack in stacks] == [12.5, 50, 60]
    assert f"{table}, line 3: frame_rate_hz '50.000' is read as 50: a dot" in note
    assert note.endswith("write 50000.")
