"""Figures of spectra: what they show is what was computed."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from napari_amseg.measure.correlation import lagged_correlation
from napari_amseg.measure.spectrum import spectrogram, spectrum
from napari_amseg.report.spectrum import (
    SpectrumPanels,
    draw_correlation,
    draw_spectrogram,
    draw_spectrum,
    draw_values,
    spectrum_figure,
)

RATE = 20_000.0


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture
def values(rng):
    time = np.arange(4000) / RATE
    return 150 + 10 * np.sin(2 * np.pi * 1500 * time) + rng.normal(size=4000)


def texts(ax):
    legend = ax.get_legend()
    named = [text.get_text() for text in legend.get_texts()] if legend else []
    return [text.get_text() for text in ax.texts] + named


def panels(values, rate_hz=RATE, correlation=None):
    step = 1 if rate_hz is None else 1 / rate_hz
    used = values.copy()
    used[:5] = np.nan
    return SpectrumPanels(
        time=np.arange(values.size) * step,
        values=values,
        used=used,
        name="keyhole depth",
        unit="µm",
        time_unit="frames" if rate_hz is None else "s",
        spectrum=spectrum(values, rate_hz=rate_hz),
        spectrogram=spectrogram(values, rate_hz=rate_hz),
        correlation=correlation,
        signal_name="photodiode",
    )


def test_the_spectrum_names_peak_and_limit_in_khz(ax, values):
    found = spectrum(values, rate_hz=RATE)
    draw_spectrum(ax, found, unit="µm")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Frequency (kHz)", "Density (µm²/Hz)")
    assert "1.5 kHz" in texts(ax)
    assert "beyond Nyquist, 10 kHz" in texts(ax)
    assert "may be folded back" not in texts(ax)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), found.frequency[1:] / 1000)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_aliasing_is_shown(ax, rng):
    draw_spectrum(ax, spectrum(rng.normal(size=1000), rate_hz=1000.0), unit="µm²")
    assert "may be folded back" in texts(ax)
    assert ax.get_xlabel() == "Frequency (Hz)"
    assert ax.get_ylabel() == "Density ((µm²)²/Hz)"


def test_without_a_frame_rate_axes_say_frames(ax, values):
    draw_spectrum(ax, spectrum(values, rate_hz=None))
    assert ax.get_xlabel() == "Frequency (cycles/frame)"
    assert ax.get_ylabel() == "Density (value² frame/cycle)"
    other = Figure().subplots()
    draw_spectrogram(other, spectrogram(values, rate_hz=None))
    assert (other.get_xlabel(), other.get_ylabel()) == ("Frame", "Frequency (cycles/frame)")


def test_values_left_out_are_marked(ax, values):
    draw_values(ax, panels(values))
    assert "5 outliers, left out" in texts(ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Time (ms)", "Keyhole depth (µm)")


def test_the_spectrogram_starts_when_the_series_does(ax, values):
    found = spectrogram(values, rate_hz=RATE)
    image = draw_spectrogram(ax, found, start=0.5)
    assert image.get_array().shape == (found.frequency.size - 1, found.time.size)
    assert 500 <= ax.get_xlim()[0] < ax.get_xlim()[1] <= 701  # ms


def test_the_best_lag_is_told(ax, values):
    time = np.arange(4000) / RATE
    found = lagged_correlation(values, time, time + 0.0002, values, max_lag_s=0.0004)
    draw_correlation(ax, found, signal_name="photodiode")
    assert texts(ax) == ["r = 1.00 at 0.2 ms"]
    assert "the signal (photodiode) comes later" in ax.get_xlabel()


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_whole_figure_is_written_by_suffix(tmp_path, values, suffix):
    time = np.arange(4000) / RATE
    found = lagged_correlation(values, time, time, values, max_lag_s=0.01)
    path = tmp_path / f"figure{suffix}"
    spectrum_figure(panels(values, correlation=found), path, title="run3")
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


def test_the_correlation_needs_room_only_where_there_is_one(tmp_path, values):
    spectrum_figure(panels(values, rate_hz=None), tmp_path / "plain.png")
    with Image.open(tmp_path / "plain.png") as image:
        assert image.size == (1440, 880)
        assert np.asarray(image.convert("L")).std() > 10
