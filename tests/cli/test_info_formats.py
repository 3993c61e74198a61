"""``amseg info`` on every real recording, and on what a header may say."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_amseg.cli import app

# Read with h5py, numpy and a text editor: frames, rows x columns, frame rate, flats and darks.
REAL = {
    "beam.cihx": ("4", "80 x 1024", "20 Hz", None),
    "beam.mraw": ("4", "80 x 1024", "20 Hz", None),
    "ball_12bit.cihx": ("15", "384 x 384", "30000 Hz", None),
    "ball_12bit.mraw": ("15", "384 x 384", "30000 Hz", None),
    "k11-18014.nxs": ("3001", "22 x 26", "unknown", "100 images"),
    "tooth.h5": ("181", "2 x 640", "unknown", "10 images"),
}
HEADER = """Camera Type : Cam [red]x[/nope]\x1b[31m
Record Rate(fps) : 1000
Total Frame : 2
Image Width : 4
Image Height : 4
Color Type : Mono
Color Bit : 8
File Format : MRaw
EffectiveBit Depth : 8
EffectiveBit Side : Lower
"""


def told(output):
    """The table as a dict; a row may go on in the next lines."""
    rows = {}
    for line in output.splitlines():
        name = line[:16].strip()
        rows.setdefault(name, line[16:].strip())
    return rows


@pytest.mark.parametrize("name", REAL)
def test_every_real_recording_tells_what_it_holds(real_data, name):
    frames, size, rate, fields = REAL[name]
    done = CliRunner().invoke(app, ["info", str(real_data / "formats" / name)])
    assert done.exit_code == 0, done.output
    rows = told(done.output)
    assert rows["frames"] == frames
    assert rows["rows x columns"] == size
    assert rows["frame rate"].split(",")[0].split(":")[0] == rate
    assert rows["pixel size"].startswith("unknown")
    assert (rows.get("flats"), rows.get("darks")) == (fields, fields)


def test_a_process_of_its_own_tells_it_too(real_data):
    command = [sys.executable, "-c", "from napari_amseg.cli import app; app()", "info"]
    done = subprocess.run(
        [*command, real_data / "formats" / "ball_12bit.mraw"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "30000 Hz, 0.5 ms in all" in done.stdout
    assert "first frame is number 52 of the recording" in done.stdout


def test_what_a_header_says_is_shown_not_obeyed(tmp_path):
    (tmp_path / "a.cih").write_text(HEADER)
    (tmp_path / "a.mraw").write_bytes(np.arange(32, dtype=np.uint8).tobytes())
    done = CliRunner().invoke(app, ["info", str(tmp_path / "a.mraw")])
    assert done.exit_code == 0, done.output
    assert "Cam [red]x[/nope][31m" in done.output
    assert "\x1b" not in done.output


@pytest.mark.parametrize(
    ("name", "words"),
    [("a.mraw", "there is no a.cihx or .cih beside it"), ("a.cine", "not a Phantom cine")],
)
def test_what_cannot_be_read_ends_in_one_line(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"nonsense" * 10)
    done = CliRunner().invoke(app, ["info", str(tmp_path / name)])
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())
    assert "Traceback" not in done.output
