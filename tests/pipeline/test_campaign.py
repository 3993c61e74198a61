"""Campaigns read from tables and folders; what is wrong is named by file, line and column."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_amseg.measure import deviation
from napari_amseg.pipeline import RunRequest, quantify_to_files
from napari_amseg.pipeline.campaign import read_campaign
from napari_amseg.pipeline.correlate import (
    CorrelateSettings,
    correlate,
    keyhole_areas,
)
from napari_amseg.pipeline.correlate_files import correlate_to_files
from napari_amseg.report.maps import WITH, WITHOUT
from napari_amseg.types import Experiment, stack_from_array

PIXEL_UM = 2.0


def summary(areas, depths=None, *, pixel=PIXEL_UM, pores=0, diameter_px=5.0):
    """What a summary says of a series of keyhole areas and depths in px."""
    area, depth = deviation(areas), deviation(areas if depths is None else depths)
    diameter = diameter_px if pores else None
    return {
        "n_frames": len(areas),
        "n_frames_with_keyhole": len(areas),
        "pixel_size_um": pixel,
        "frame_rate_hz": 1e4,
        "keyhole_area_px": area.to_json(),
        "keyhole_area_um2": area.to_json(pixel and pixel**2),
        "keyhole_depth_px": depth.to_json(),
        "keyhole_depth_um": depth.to_json(pixel),
        "pore_count_total": pores,
        "pore_max_equivalent_diameter_px": diameter,
        "pore_max_equivalent_diameter_um": diameter and pixel and diameter * pixel,
        "scan_speed_m_s": 0.9,
    }


def put(folder: Path, name: str, record, areas=None, experiment=None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_summary.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    if areas is not None:
        pixel = record["pixel_size_um"]
        um2 = np.asarray(areas) * pixel**2 if pixel else np.nan
        pd.DataFrame({"keyhole_area_px": areas, "keyhole_area_um2": um2}).to_csv(
            folder / f"{name}_frames.csv", index=False
        )
    if experiment is not None:
        record = {"experiment": experiment.to_json(), "source": f"/raw/{name}.tif"}
        (folder / f"{name}_run.json").write_text(json.dumps(record), encoding="utf-8")
    return path


def write(path: Path, *rows) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def campaign(tmp_path, rng):
    """Five steady experiments without pores, six that fluctuate more with pores, as a table."""
    rows = ["experiment,summary,laser_power_w,scan_speed_mm_s,powder_material,shift"]
    for i in range(11):
        pores = i >= 5
        areas = 100 * (1 + (0.15 if pores else 0.03) * rng.standard_normal(40))
        record = summary(areas, 10 + 0.02 * areas * rng.random(40), pores=3 * pores)
        put(tmp_path / "results", f"r{i}", record, areas)
        rows.append(f"e{i},results/r{i}_summary.json,{200 + 20 * i},{800 + 10 * i},,night")
    return write(tmp_path / "campaign.csv", *rows)


def test_a_table_gives_parameters_pores_and_other_columns(campaign):
    found = read_campaign(campaign)
    assert [row.name for row in found.rows] == [f"e{i}" for i in range(11)]
    row = found.rows[6]
    assert (row.experiment.laser_power_w, row.experiment.powder_material) == (320, None)
    assert row.experiment.pixel_size_um == PIXEL_UM
    assert (row.pores, found.rows[4].pores) == (True, False)
    assert dict(row.more) == {"shift": "night"}
    assert row.frames_file.name == "r6_frames.csv"


@pytest.mark.parametrize("cell", ["one", "one/a_frames.csv", "one/a_summary.json"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_summary_may_be_named_by_its_folder_or_its_frame_table(tmp_path, cell, separator):
    put(tmp_path / "one", "a", summary([1, 2, 3]), [1, 2, 3])
    heading, row = ("experiment", "summary", "pores", "stack"), ("x", cell, "Yes", "raw.tif")
    path = tmp_path / "c.csv"
    path.write_text(
        "\n".join(separator.join(cells) for cells in (heading, row)), encoding="utf-8-sig"
    )
    (found,) = read_campaign(path).rows
    assert found.summary["n_frames"] == 3
    assert found.pores
    assert found.stack == str(tmp_path / "raw.tif")
    assert found.labels is None


def test_a_folder_is_a_campaign_with_parameters_from_its_run_records(tmp_path):
    known = Experiment(experiment="weld 3", laser_power_w=350, scan_speed_mm_s=900)
    put(tmp_path / "a", "r", summary([1, 2]), experiment=known)
    put(tmp_path / "b", "s", summary([1, 2], pores=2))
    put(tmp_path / "b" / "c", "s", summary([1, 2]))
    (tmp_path / "b" / "s_labels.tif").touch()
    rows = {row.name: row for row in read_campaign(tmp_path).rows}
    assert list(rows) == ["weld 3", "b/c/s", "b/s"]
    assert rows["weld 3"].experiment.laser_power_w == 350
    assert rows["weld 3"].stack == "/raw/r.tif"
    assert rows["b/s"].pores
    assert rows["b/s"].labels == str(tmp_path / "b" / "s_labels.tif")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["experiment,power", "a,3"], "column summary is missing; found are experiment, power"),
        (["experiment|summary", "a|r"], "not a heading with columns separated by commas"),
        ([""], "columns experiment and summary are missing"),
        (["experiment,summary"], "campaign is empty"),
        (["experiment,summary,pores,pores", "a,r_summary.json,yes,no"], "pores stands there more"),
        (["experiment,summary", "a,r_summary.json", "a,r_summary.json"], "line 3: .*'a' has two"),
        (["experiment,summary", "a"], "line 2: expected 2 cells"),
        (["experiment,summary", "a,r_summary.json,3"], "line 2: expected 2 cells"),
        (["experiment,summary", ",r_summary.json"], "line 2: experiment is empty"),
        (["experiment,summary,laser_power_w", "a,r_summary.json,-3"], "line 2: laser_power_w is -"),
        (["experiment,summary,laser_power_w", "a,r_summary.json,3 W"], "laser_power_w is '3 W'"),
        (["experiment,summary,frame_rate_hz", "a,r_summary.json,0"], "frame_rate_hz is 0"),
        (["experiment,summary,pores", "a,r_summary.json,some"], "pores is 'some'"),
        (["experiment,summary", "a,bad_summary.json"], "bad_summary.json: not a readable summary"),
        (["experiment,summary", "a,list_summary.json"], "has no keyhole_area"),
        (["experiment,summary", "a,zero_summary.json"], "line 2: frame_rate_hz is 0"),
        (["experiment,summary", "a,."], "line 2: summary is the folder .* which holds bad_summary"),
        (["experiment,summary", "a,nothing.json"], "line 2: summary .*nothing.json does not exist"),
        (["experiment,summary", "a,uncounted_summary.json"], "no pore_count_total"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, rows, message):
    put(tmp_path, "r", summary([1, 2]))
    put(tmp_path, "list", [])
    put(tmp_path, "zero", summary([1, 2]) | {"frame_rate_hz": 0})
    put(tmp_path, "uncounted", summary([1, 2]) | {"pore_count_total": None})
    (tmp_path / "bad_summary.json").write_bytes(b"{")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_campaign(write(tmp_path / "c.csv", *rows))


def test_places_without_a_campaign(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        read_campaign(tmp_path / "missing.csv")
    with pytest.raises(ValueError, match=r"no \*_summary.json in this folder"):
        read_campaign(tmp_path)
    other = tmp_path / "latin.csv"
    other.write_bytes("experiment,summary,größe\n".encode("latin-1"))
    with pytest.raises(ValueError, match="Save it as UTF-8 CSV"):
        read_campaign(other)
    other.write_bytes("experiment,summary\n".encode("utf-16"))
    with pytest.raises(ValueError, match="Save it as UTF-8 CSV"):
        read_campaign(other)


def test_the_table_says_more_than_the_summary_and_a_note_tells(tmp_path):
    put(tmp_path, "r", summary([1, 2]))
    path = write(tmp_path / "c.csv", "experiment,summary,pores", "a,r_summary.json,yes")
    found = read_campaign(path)
    assert found.rows[0].pores
    assert found.notes == ("a: the table says pores, its summary counts none.",)


def test_all_files_and_the_table_is_a_campaign_again(campaign, tmp_path):
    out = tmp_path / "out"
    found, files, notes = correlate_to_files(campaign, out, CorrelateSettings(format="svg"))
    names = {"correlation", "keyhole_area_histogram", "power_velocity"}
    assert {p.name for p in files} == {"campaign.csv", "correlation.json"} | {
        f"{name}.{ending}" for name in names for ending in ("png", "svg")
    }
    assert all(p.stat().st_size > 0 for p in files)
    assert notes == ()
    with open(out / "campaign.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = read_campaign(campaign).rows[7].summary["keyhole_area_px"]
    assert float(rows[7]["keyhole_area_delta_max"]) == pytest.approx(expected["delta_max"])
    assert float(rows[7]["keyhole_area_mean_um2"]) == pytest.approx(4 * expected["mean"])
    assert (rows[7]["pores"], rows[7]["shift"], rows[7]["in_map"]) == ("yes", "night", "yes")

    record = json.loads((out / "correlation.json").read_text(encoding="utf-8"))
    assert (record["n_experiments"], record["n_in_maps"]) == (11, 11)
    area = record["maps"]["area"]
    assert [area["spreads"][g]["n"] for g in (WITHOUT, WITH)] == [5, 6]
    assert area["line"]["accuracy"] == found.maps["area"].line.accuracy
    assert len(record["inputs"]) == 23
    assert "scikit-learn" in record["versions"]

    again = correlate(read_campaign(out / "campaign.csv"))
    pd.testing.assert_series_equal(
        again.table["keyhole_area_delta_avg"], found.table["keyhole_area_delta_avg"]
    )
    assert "computed anew" in again.notes[0]
    assert again.campaign.more_columns == ("shift",)
    with pytest.raises(FileExistsError, match="would be replaced"):
        correlate_to_files(out / "campaign.csv", out, overwrite=True)


def test_an_experiment_without_keyhole_is_listed_and_left_out(campaign):
    put(campaign.parent / "results", "none", summary([]))
    with open(campaign, "a", encoding="utf-8") as file:
        file.write("bare,results/none_summary.json,150,900,,day\n")
    found = correlate(read_campaign(campaign))
    assert len(found.table) == 12
    assert found.notes == ("no keyhole, so not in the maps: bare.",)
    assert sum(s.n for s in found.maps["area"].spreads.values()) == 11


def test_too_few_and_degenerate_groups_are_notes_not_crashes(campaign, tmp_path):
    rows = campaign.read_text(encoding="utf-8").splitlines()
    few = write(campaign.with_name("few.csv"), *rows[:8])
    found, files, _ = correlate_to_files(few, tmp_path / "few")
    assert found.maps["area"].ellipses[WITH] is None
    assert found.maps["area"].line is None
    assert any("2 points; an ellipse needs 5" in note for note in found.notes)
    assert tmp_path / "few" / "correlation.png" in files

    one = write(campaign.with_name("one.csv"), *rows[:6])  # no experiment with pores
    found, _, _ = correlate_to_files(one, tmp_path / "one")
    assert any("no separating line: the smaller group has no point" in n for n in found.notes)

    same = [row.split(",") for row in rows[1:]]
    flat = [",".join([cells[0], "results/r9_summary.json", *cells[2:]]) for cells in same]
    singular = write(campaign.with_name("same.csv"), rows[0], *flat)
    found, _, _ = correlate_to_files(singular, tmp_path / "same")
    assert sum("straight line" in note for note in found.notes) == 2  # both maps, one group
    assert found.maps["area"].line is None


def test_no_keyhole_at_all_is_an_error(tmp_path):
    put(tmp_path, "r", summary([]))
    with pytest.raises(ValueError, match="no experiment has a keyhole"):
        correlate(read_campaign(tmp_path))


def test_a_negative_deviation_in_a_summary_is_refused(tmp_path):
    record = summary([1, 2])
    record["keyhole_area_px"]["delta_avg"] = -0.1
    path = put(tmp_path, "r", record)
    with pytest.raises(ValueError, match=f"{path.name}: keyhole_area_px delta_avg is -0.1"):
        correlate(read_campaign(tmp_path))


def test_histograms_pool_frames_in_one_unit(tmp_path):
    put(tmp_path, "sized", summary([10, 20]), [10, 0, 20])
    put(tmp_path, "also", summary([30], pores=1), [30])
    put(tmp_path, "unsized", summary([7], pixel=None), [7])
    put(tmp_path, "lost", summary([8]))
    areas, notes = keyhole_areas(correlate(read_campaign(tmp_path)))
    assert areas.unit == "µm²"
    assert areas.by_group[WITHOUT].tolist() == [40, 80]
    assert areas.by_group[WITH].tolist() == [120]
    assert notes == [
        "no pixel size, so not in the histograms: unsized.",
        "no frame table, so not in the histograms: lost.",
    ]


def test_pixels_where_no_experiment_has_a_pixel_size(tmp_path):
    put(tmp_path, "a", summary([7, 9], pixel=None, pores=1), [7, 9])
    put(tmp_path, "b", summary([5, 6], pixel=None), [5, 6])
    found = correlate(read_campaign(tmp_path))
    areas, notes = keyhole_areas(found)
    assert (areas.unit, notes) == ("px", [])
    assert found.table.attrs["pore_diameter_unit"] == "px"
    assert found.table["pore_diameter"].tolist()[0] == 5


def test_a_speed_nobody_gave_is_the_fitted_one(tmp_path):
    known = Experiment(experiment="p", laser_power_w=300)
    put(tmp_path, "a", summary([7, 9]), experiment=known)
    found = correlate(read_campaign(tmp_path))
    assert found.table["map_speed_mm_s"].tolist() == pytest.approx([900])
    assert any("as fitted to the frames, none was given: p" in note for note in found.notes)


def test_measured_stacks_make_a_campaign(tmp_path, drawn_frames):
    """What ``amseg quantify`` writes is read as it is."""
    _, truth = drawn_frames
    for name, pixel in (("a", 2.0), ("b", 4.0)):
        known = Experiment(experiment=name, pixel_size_um=pixel, frame_rate_hz=1e4,
                           laser_power_w=300, scan_speed_mm_s=500)  # fmt: skip
        stack = stack_from_array(truth, experiment=known)
        quantify_to_files(RunRequest(stack=stack, folder=tmp_path / name, stem=name))
    found = correlate(read_campaign(tmp_path))
    assert found.table["laser_power_w"].tolist() == [300, 300]
    assert found.table["keyhole_area_mean_um2"].tolist() == pytest.approx([45 * 4, 45 * 16])
    assert found.table["keyhole_area_delta_max"].tolist() == [0, 0]
    areas, _ = keyhole_areas(found)
    assert len(areas.by_group[WITH]) == 16
