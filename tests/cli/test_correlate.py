"""``amseg correlate`` as a user types it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.measure import deviation


def run(*arguments):
    return CliRunner().invoke(app, ["correlate", *map(str, arguments)])


@pytest.fixture
def results(tmp_path, rng):
    """Ten experiments in a folder; the last five with pores."""
    for i in range(10):
        areas = 100 * (1 + (0.05 + 0.03 * i) * rng.standard_normal(50))
        record = {
            "keyhole_area_px": deviation(areas).to_json(),
            "keyhole_depth_px": deviation(areas + 50 * rng.random(50)).to_json(),
            "pore_count_total": int(i >= 5),
        }
        (tmp_path / f"w{i}_summary.json").write_text(json.dumps(record), encoding="utf-8")
    return tmp_path


def test_a_folder_of_results_becomes_tables_and_figures(results):
    out = results / "out"
    result = run(results, "-o", out, "--line", "logistic", "--format", "none",
                 "--ellipse-level", 0.9)  # fmt: skip
    assert result.exit_code == 0, result.output
    assert {p.name for p in out.iterdir()} == {
        "campaign.csv", "correlation.json", "correlation.png",
    }  # fmt: skip
    record = json.loads((out / "correlation.json").read_text(encoding="utf-8"))
    assert record["maps"]["area"]["line"]["method"] == "logistic"
    assert record["maps"]["area"]["ellipses"]["with pores"]["level"] == 0.9
    assert "Logistic line" in result.stdout
    assert "no frame table" in " ".join(result.stderr.split())
    mean = np.mean([
        json.loads(p.read_text(encoding="utf-8"))["keyhole_area_px"]["delta_avg"]
        for p in sorted(results.glob("w*.json"))[:5]
    ])  # fmt: skip
    assert f"{100 * mean:.1f} %" in result.stdout


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("experiment,summary\n", [], "the campaign is empty"),
        ("experiment,summary\na,w99_summary.json\n", [], "line 2: summary"),
        (
            "experiment,summary\na,w1_summary.json\n",
            ["--ellipse-level", 95],
            "--ellipse-level is 95",
        ),
        ("experiment,summary\na,w1_summary.json\n", ["--line", "svm"], "line is 'svm'"),
        ("experiment,summary,laser_power_w\na,w1_summary.json,-1\n", [], "laser_power_w is -1"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(results, text, more, message):
    path = results / "campaign.csv"
    path.write_text(text, encoding="utf-8")
    result = run(path, *more, "-o", results / "out")
    assert result.exit_code == 2
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
    assert message in line
    assert not (results / "out").exists()


def test_the_campaign_itself_is_never_replaced(results):
    path = results / "campaign.csv"
    text = "experiment,summary\na,w1_summary.json\n"
    path.write_text(text, encoding="utf-8")
    result = run(path, "-o", results)
    assert result.exit_code == 2
    assert "would be replaced" in result.stderr
    assert path.read_text(encoding="utf-8") == text


def test_a_table_made_by_hand_is_never_replaced(results):
    path = results / "campaign.csv"
    text = "experiment,summary\na,w1_summary.json\n"
    path.write_text(text, encoding="utf-8")
    for more in ([], ["--overwrite"]):
        result = run(results, *more, "--format", "none", "-o", results)
        assert result.exit_code == 2
        assert "was not written by amseg correlate" in " ".join(result.stderr.split())
        assert path.read_text(encoding="utf-8") == text
        assert not (results / "correlation.json").exists()


def test_earlier_results_stay_unless_told_and_an_edited_table_stays_anyway(results):
    out = results / "out"
    given = (results, "--format", "none", "-o", out)
    assert run(*given).exit_code == 0
    again = run(*given)
    assert again.exit_code == 2
    assert "is there already; choose another folder, or --overwrite" in again.stderr
    done = run(*given, "--overwrite")
    assert done.exit_code == 0, done.output
    with open(out / "campaign.csv", "a", encoding="utf-8") as file:
        file.write("\n")
    edited = run(*given, "--overwrite")
    assert edited.exit_code == 2
    assert "was edited since" in edited.stderr
