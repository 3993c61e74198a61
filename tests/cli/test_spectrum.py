"""``amseg spectrum`` as a user types it: files, their content, one-line errors."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_amseg.cli import app

RATE = 40_000


def run(*arguments):
    return CliRunner().invoke(app, ["spectrum", *(str(a) for a in arguments)])


def fails(*arguments):
    """The one line of an error."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.output
    return lines[0]


@pytest.fixture
def table(tmp_path, rng):
    """A table of 2 048 frames whose keyhole depth swings at 3 kHz, area at 5 kHz."""
    time = np.arange(2048) / RATE
    depth = 200 + 20 * np.sin(2 * np.pi * 3000 * time) + rng.normal(size=2048)
    area = 9000 + 500 * np.sin(2 * np.pi * 5000 * time) + 40 * rng.normal(size=2048)
    path = tmp_path / "run3_frames.csv"
    with open(path, "w") as file:
        file.write("frame,time_s,keyhole_depth_px,keyhole_depth_um,keyhole_area_um2\n")
        for i, (t, d, a) in enumerate(zip(time, depth, area, strict=True)):
            file.write(f"{i},{t:.9g},{d / 2:.9g},{d:.9g},{a:.9g}\n")
    return path


def read_csv(path):
    return np.genfromtxt(path, delimiter=",", names=True)


def test_a_table_of_frames_gives_spectrum_record_and_figure(table, tmp_path):
    out = tmp_path / "out"
    done = run(table, "-o", out)
    assert done.exit_code == 0, done.output
    names = {"run3_spectrum.csv", "run3_spectrum.json", "run3_spectrum.png"}
    assert {p.name for p in out.iterdir()} == names
    assert done.stdout.split() == [str(out / f"run3_spectrum.{k}") for k in ("csv", "json", "png")]
    assert re.search("peak at (29|30)[0-9.]+ Hz: .* times the background", done.stderr)
    rows = read_csv(out / "run3_spectrum.csv")
    assert rows.dtype.names == ("frequency_hz", "density", "background")
    assert rows["frequency_hz"][-1] == RATE / 2
    assert rows["density"].sum() * rows["frequency_hz"][1] == pytest.approx(201, rel=0.05)
    record = json.loads((out / "run3_spectrum.json").read_text())
    found = record["spectrum"]
    assert (found["nyquist"], found["frequency_unit"]) == (RATE / 2, "Hz")
    (peak,) = found["peaks"]
    assert peak["frequency"] == pytest.approx(3000, abs=0.1 * found["resolution"])
    assert peak["folded_from"][0] == pytest.approx(RATE - peak["frequency"])
    assert record["series"]["unit"] == "µm"
    assert record["settings"]["spectrum"]["max_gap_frames"] == 2
    assert record["inputs"][0]["name"] == "run3_frames.csv"
    assert record["correlation"] is None


def test_column_part_and_segments_are_as_asked(table, tmp_path):
    done = run(table, "--column", "keyhole_area_um2", "--start", 0.01, "--end", 0.03,
               "--segment-frames", 200, "-o", tmp_path / "a")  # fmt: skip
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "a" / "run3_spectrum.json").read_text())
    assert record["spectrum"]["peaks"][0]["frequency"] == pytest.approx(5000, abs=20)
    assert record["spectrum"]["segment_frames"] == 200
    assert (record["series"]["start"], record["series"]["n_values"]) == (0.01, 801)


def test_a_delayed_signal_is_found(tmp_path, rng):
    """A photodiode at 1 MHz, in microseconds, that darkens 0.1 ms after the keyhole deepens."""
    wander = np.convolve(rng.normal(size=54_000), np.hanning(300), "valid")  # of 53 701 samples
    depth = wander[1000 : 1000 + 25 * 2048].reshape(2048, 25).mean(axis=1)  # frames of 25 us
    table = tmp_path / "run3_frames.csv"
    rows = [f"{i},{i / RATE:.9g},{200 + d:.9g}" for i, d in enumerate(depth)]
    table.write_text("\n".join(["frame,time_s,keyhole_depth_um", *rows]))
    # sample 1012 lies in the middle of frame 0, which is its time
    time_us = np.arange(wander.size) - 1012 + 100
    signal = tmp_path / "photodiode.csv"
    rows = [f"{t};{5 - v:.6g}".replace(".", ",") for t, v in zip(time_us, wander, strict=True)]
    signal.write_text("\n".join(["Time [us];Light (V)", *rows]))
    done = run(table, "--signal", signal, "--signal-offset-s", 0.00005, "--max-lag-s", 0.002,
               "-o", tmp_path / "a")  # fmt: skip
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "a" / "run3_spectrum.json").read_text())
    related = record["correlation"]
    assert related["best_lag_s"] == pytest.approx(0.00015, abs=0.5 / RATE)
    assert related["best_coefficient"] < -0.99
    assert related["signal"] == "averaged over frames"
    assert len(record["inputs"]) == 2
    rows = read_csv(tmp_path / "a" / "run3_correlation.csv")
    assert rows.dtype.names == ("lag_s", "coefficient", "n_frames")
    assert rows["lag_s"][np.nanargmin(rows["coefficient"])] == pytest.approx(related["best_lag_s"])
    assert "r = -1.000 at a lag of 0.00015 s" in done.stderr


def test_real_welds_are_red_without_a_lasting_peak(real_data, tmp_path):
    for number in (1, 7):
        path = real_data / "weld_depth" / f"IFSW-{number}_centered_depth.csv"
        done = run(path, "--unit", "mm", "--outlier-sigma", 10, "--max-gap-frames", 20,
                   "--segment-frames", 512, "-o", tmp_path)  # fmt: skip
        assert done.exit_code == 0, done.output
        assert "no peak stands out" in done.stderr
        assert "outliers were dropped" in done.stderr
        record = json.loads((tmp_path / f"IFSW-{number}_centered_depth_spectrum.json").read_text())
        assert record["spectrum"]["nyquist"] == pytest.approx(2500)
        assert record["spectrum"]["half_of_variance_below"] < 50


def test_without_times_frequencies_are_per_frame(tmp_path, rng):
    path = tmp_path / "x_frames.csv"
    depth = np.sin(np.arange(400)) + 0.1 * rng.normal(size=400)
    rows = [f"{i},,{d:.6f}" for i, d in enumerate(depth)]
    path.write_text("\n".join(["frame,time_s,keyhole_depth_px", *rows]))
    done = run(path, "-o", tmp_path)
    assert done.exit_code == 0, done.output
    assert "cycles/frame" in done.stderr
    header = (tmp_path / "x_spectrum.csv").read_text().splitlines()[0]
    assert header == "frequency_cycles_per_frame,density,background"
    message = fails(path, "--signal", path, "-o", tmp_path / "b")
    assert "Give --frame-rate" in message
    assert not (tmp_path / "b").exists()


def test_earlier_results_stay_unless_told(table, tmp_path):
    assert run(table, "-o", tmp_path).exit_code == 0
    assert "is there already" in fails(table, "-o", tmp_path)
    assert run(table, "-o", tmp_path, "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--column", "speed"], "no column 'speed'"),
        (["--segment-frames", "4000"], "a spectrum needs 4000"),
        (["--segment-frames", "3"], "give 8 or more"),
        (["--start", "5"], "no values between start and end"),
        (["--frame-rate", "-1"], "must be above 0"),
        (["--signal", "nowhere.csv"], "nowhere.csv"),
        (["--signal-time-unit", "h"], "choose one of s, ms"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(table, tmp_path, arguments, words):
    assert words in fails(table, *arguments, "-o", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_spectrogram_without_a_whole_segment_is_an_empty_panel(tmp_path, rng):
    path = tmp_path / "depth.csv"
    known = [f"{i},{v:.6g}" for i, v in enumerate(rng.normal(size=70)) if 3 <= i < 67]
    path.write_text("\n".join(["time (s),depth", "0,", "1,", "2,", *known, "67,", "68,", "69,"]))
    done = run(path, "--segment-frames", 64, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "depth_spectrum.png").read_bytes().startswith(b"\x89PNG")


def test_frames_and_values_alone_are_a_table_too(tmp_path):
    table = tmp_path / "fr.csv"
    values = 100 + 5 * np.sin(2 * np.pi * np.arange(128) / 8)
    rows = "".join(f"{t},{v:.6f}\n" for t, v in enumerate(values))
    table.write_text("frame,depth_um\n" + rows)
    result = run(table, "--frame-rate", "8000", "-o", tmp_path / "timed")
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "timed" / "fr_spectrum.json").read_text())
    assert record["spectrum"]["nyquist"] == 4000
    result = run(table, "-o", tmp_path / "frames")
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "frames" / "fr_spectrum.json").read_text())
    assert record["spectrum"]["frequency_unit"] == "cycles/frame"
