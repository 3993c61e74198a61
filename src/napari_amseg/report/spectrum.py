"""How fast a series fluctuates: spectrum, spectrogram and correlation with a signal, drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.measure.correlation import LaggedCorrelation
from napari_amseg.measure.spectrum import Spectrogram, Spectrum, frequency_scale
from napari_amseg.report.series import figure_format

Array = NDArray[np.float64]

# Okabe and Ito's colours, told apart by the colour-blind.
_BLUE, _ORANGE, _BLACK = "#0072B2", "#D55E00", "#000000"
_LABELLED = 5
_LOWEST, _HIGHEST = 1.0, 99.5  # percentiles of the spectrogram at the ends of its colours
_STYLE: dict[Any, Any] = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.7, "pdf.fonttype": 42,
    "legend.frameon": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SpectrumPanels:
    """What :func:`spectrum_figure` draws.

    time : (n,), in `time_unit` ("s" or "frames"). values : as measured; used : as the spectrum
    takes them, outliers dropped and short gaps filled. name, unit : of the series.
    """

    time: Array
    values: Array
    used: Array
    name: str
    unit: str
    time_unit: str
    spectrum: Spectrum
    spectrogram: Spectrogram
    correlation: LaggedCorrelation | None = None
    signal_name: str = ""


def draw_values(ax: Any, panels: SpectrumPanels) -> None:
    """The series against time; what the spectrum did not take is orange."""
    factor, unit = _time_scale(panels.time_unit, float(np.ptp(panels.time)))
    time = panels.time * factor
    left_out = np.isfinite(panels.values) & (panels.values != panels.used)
    ax.plot(time, panels.used, color=_BLUE, lw=0.6)
    if left_out.any():
        ax.plot(time[left_out], panels.values[left_out], ".", color=_ORANGE, ms=2.5, mew=0,
                label=f"{left_out.sum():,} outliers, left out")  # fmt: skip
        ax.legend(loc="lower right", handletextpad=0.2, borderaxespad=0.2)
    ax.set_xlim(time[0], time[-1])
    ax.set_xlabel(f"Time ({unit})" if unit != "frames" else "Frame")
    ax.set_ylabel(_with_unit(panels.name.capitalize(), panels.unit))
    _tidy(ax)


def draw_spectrum(ax: Any, spectrum: Spectrum, *, unit: str = "") -> None:
    """Power spectral density, both axes logarithmic, with its main peaks and the Nyquist limit.

    What lies beyond that limit is grey; the end of the band is orange where power there may be
    folded back. The background, from which peaks stand out, is dotted.

    unit : of the series.
    """
    factor, f_unit = frequency_scale(spectrum.frequency_unit, spectrum.nyquist)
    frequency, nyquist = spectrum.frequency * factor, spectrum.nyquist * factor
    ax.loglog(frequency[1:], spectrum.density[1:], color=_BLUE, lw=0.9)
    ax.loglog(frequency[1:], spectrum.background[1:], color=_BLACK, lw=0.8, ls=":",
              label="background")  # fmt: skip
    ax.set_xlim(frequency[1], nyquist * 1.35)
    ax.axvspan(nyquist, nyquist * 1.35, color="0.85", lw=0)
    ax.axvline(nyquist, color="0.35", lw=0.8, ls="--")
    ax.text(nyquist * 1.16, 0.97, f"beyond Nyquist, {nyquist:.4g} {f_unit}", rotation=90,
            transform=ax.get_xaxis_transform(), ha="center", va="top", fontsize=6.5,
            color="0.25")  # fmt: skip
    if spectrum.may_be_aliased:
        ax.axvspan(0.8 * nyquist, nyquist, color=_ORANGE, alpha=0.25, lw=0,
                   label="may be folded back")  # fmt: skip
    main = sorted(spectrum.peaks[:_LABELLED], key=lambda peak: peak.frequency)
    for place, peak in enumerate(main):
        ax.annotate(f"{peak.frequency * factor:.3g} {f_unit}",
                    (peak.frequency * factor, peak.density), xytext=(0, 9 + 11 * (place % 2)),
                    textcoords="offset points", ha="center", fontsize=7, color=_ORANGE,
                    arrowprops={"arrowstyle": "-", "color": _ORANGE, "lw": 0.7,
                                "shrinkB": 1})  # fmt: skip
    ax.margins(y=0.12)
    ax.legend(loc="lower left", borderaxespad=0.2)
    ax.set_xlabel(f"Frequency ({f_unit})")
    ax.set_ylabel(_density_label(unit, spectrum.frequency_unit))
    ax.xaxis.set_major_formatter("{x:g}")
    _tidy(ax)


def draw_spectrogram(ax: Any, found: Spectrogram, *, start: float = 0.0) -> Any:
    """Power spectral density over time, logarithmic colours; white where it has gaps.

    start : time of the first value, in the unit of the spectrogram. Gives the image, for a
    colour bar.
    """
    from matplotlib.colors import LogNorm

    factor, t_unit = _time_scale(found.time_unit, float(np.ptp(found.time)))
    top = float(found.frequency[-1])
    scale, f_unit = frequency_scale(found.frequency_unit, top)
    positive = found.density[1:][found.density[1:] > 0]
    low, high = np.percentile(positive, [_LOWEST, _HIGHEST]) if positive.size else (0.1, 1.0)
    image = ax.pcolormesh(
        (found.time + start) * factor, found.frequency[1:] * scale, found.density[1:],
        norm=LogNorm(low, high), cmap="viridis", shading="nearest", rasterized=True,
    )  # fmt: skip
    ax.set_xlabel(f"Time ({t_unit})" if t_unit != "frames" else "Frame")
    ax.set_ylabel(f"Frequency ({f_unit})")
    ax.set_ylim(0, top * scale)
    return image


def draw_correlation(ax: Any, found: LaggedCorrelation, *, signal_name: str = "") -> None:
    """Correlation coefficient of the series with the signal against the lag; its extreme marked."""
    factor, unit = _time_scale("s", float(np.ptp(found.lag_s)))
    ax.axhline(0, color="0.7", lw=0.6)
    ax.axvline(0, color="0.7", lw=0.6)
    ax.plot(found.lag_s * factor, found.coefficient, color=_BLUE, lw=0.9)
    best = found.best_lag_s * factor, found.best_coefficient
    ax.plot(*best, "o", color=_ORANGE, ms=4)
    ax.annotate(f"r = {best[1]:.2f} at {best[0]:.3g} {unit}", best, xytext=(0, 8),
                textcoords="offset points", ha="center", fontsize=7, color=_ORANGE)  # fmt: skip
    ax.set_ylim(-1, 1)
    named = f"the signal ({signal_name})" if signal_name else "the signal"
    ax.set_xlabel(f"Lag ({unit}); positive: {named} comes later")
    ax.set_ylabel("Correlation coefficient")
    _tidy(ax)


def spectrum_figure(panels: SpectrumPanels, path: Path, *, title: str = "") -> None:
    """Write series, spectrum, spectrogram and, if there is one, the correlation with a signal as
    one PNG (or SVG, PDF by suffix), 7.2 in wide.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    related = panels.correlation
    with rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 6.3 if related else 4.4), layout="constrained")
        ratios = (1, 1.7, 1.3) if related else (1, 1.7)
        grid = figure.add_gridspec(len(ratios), 2, height_ratios=ratios)
        draw_values(series := figure.add_subplot(grid[0, :]), panels)
        draw_spectrum(power := figure.add_subplot(grid[1, 0]), panels.spectrum, unit=panels.unit)
        gram = figure.add_subplot(grid[1, 1])
        start = float(panels.time[0])
        image = draw_spectrogram(gram, panels.spectrogram, start=start)
        figure.colorbar(image, ax=gram, label=power.get_ylabel(), pad=0.02)
        axes = [series, power, gram]
        if related:
            axes.append(lags := figure.add_subplot(grid[2, :]))
            draw_correlation(lags, related, signal_name=panels.signal_name)
        for ax, letter in zip(axes, "abcd", strict=False):
            ax.set_title(f"({letter})", loc="left")
        if title:
            figure.suptitle(title, fontsize=9)
        figure.savefig(path, dpi=200, format=figure_format(path))


def _time_scale(unit: str, length: float) -> tuple[float, str]:
    return (1e3, "ms") if unit == "s" and length < 2 else (1.0, unit)


def _density_label(unit: str, frequency_unit: str) -> str:
    squared = (f"{unit}²" if unit.isalpha() else f"({unit})²") if unit else "value²"
    per = "/Hz" if frequency_unit == "Hz" else " frame/cycle"
    return f"Density ({squared}{per})"


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def _tidy(ax: Any) -> None:
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
