"""``amseg batch`` as a user types it: nonsense, dry runs and what may not be replaced."""

from __future__ import annotations

import subprocess
import sys

import pytest
import tifffile
from typer.testing import CliRunner

from napari_amseg.batch.lease import leased
from napari_amseg.cli import app


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def campaign(tmp_path, frames):
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="minisblack")
    path = tmp_path / "campaign.csv"
    path.write_text("experiment,stack,crop\na,a.tif,\nb,missing.tif,\n")
    return path


def refused(*arguments):
    result = run("batch", *arguments)
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.output.splitlines() if line.startswith("error: ")]
    return line


def test_a_dry_run_tells_and_writes_nothing(campaign, tmp_path):
    out = tmp_path / "out"
    result = run("batch", campaign, "--dry-run", "--slurm", "--queue", "beam", "--jobs", 3,
                 "--chunk-frames", 4, "-o", out)  # fmt: skip
    assert result.exit_code == 1, result.output
    assert "about" in result.output
    assert "3 jobs would be submitted" in result.output
    assert "#SBATCH -p beam" in result.output
    assert "would fail" in result.output
    assert "1 of 2 stacks would fail" in result.output
    assert "note: a: pixel_size_um is said neither" in result.output
    assert not out.exists()
    campaign.write_text("experiment,stack,operator\na,a.tif,me\n")
    result = run("batch", campaign, "--dry-run", "--slurm", "--jobs", 1, "-o", out)
    assert result.exit_code == 0, result.output
    assert "only kept in the table of results: operator." in result.output
    assert "1 job would be submitted" in result.output


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--workers", "0"], "--workers is 0: it must be at least 1."),
        (["--chunk-frames", "0"], "--chunk-frames is 0"),
        (["--dark", "d.tif"], "line 2: --dark and --flat-after need --flat"),
        (["--model", "nosuch"], "nosuch: no model bundle"),
        (["--slurm", "--scheduler", "tcp://x:1"], "leave out --scheduler"),
        (["--scheduler", "nonsense://x"], "does not answer"),
    ],
)
def test_nonsense_is_one_line_and_leaves_nothing(campaign, tmp_path, more, words):
    assert words in refused(campaign, *more, "-o", tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


def test_a_malformed_table_stops_at_once(campaign, tmp_path):
    campaign.write_text("experiment,stack,crop\na,a.tif,\nb,b.tif,left\n")
    assert "campaign.csv, line 3: crop is 'left'" in refused(campaign, "-o", tmp_path / "out")


def test_the_campaign_itself_is_never_replaced(campaign, tmp_path):
    before = campaign.read_bytes()
    assert "would be replaced" in refused(campaign, "-o", tmp_path)
    other = tmp_path / "out"
    other.mkdir()
    (other / "campaign.csv").write_text("mine")
    assert "was not written by amseg batch" in refused(campaign, "-o", other)
    assert campaign.read_bytes() == before
    assert (other / "campaign.csv").read_text() == "mine"


@pytest.mark.parametrize("text", ["mine", "", "[]", '{"outputs": []}'])
def test_a_report_of_another_program_is_never_replaced(campaign, tmp_path, text):
    report = tmp_path / "out" / "campaign_report.json"
    report.parent.mkdir()
    report.write_text(text)
    assert "was not written by amseg batch" in refused(campaign, "-o", report.parent)
    assert report.read_text() == text


def test_a_folder_where_another_campaign_runs_is_refused(campaign, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with leased(out):
        assert "another amseg batch works in this folder" in refused(campaign, "-o", out)
    assert not list(out.iterdir())


def test_the_command_line_starts_without_dask():
    code = (
        "import sys; from napari_amseg.cli import app; import napari_amseg.batch.tasks; "
        "print([m for m in ('dask', 'distributed', 'keras', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
