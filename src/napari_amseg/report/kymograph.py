"""The kymograph: grey values in column against time, with the laser's line in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from napari_amseg.measure.laser_line import LaserLine
from napari_amseg.report.series import figure_format
from napari_amseg.types import Experiment

_LINE_COLOR = "#E69F00"  # Okabe and Ito's orange, which shows on black, grey and white
_MOST_MICROSECONDS, _MOST_MICROMETRES = 2e-3, 3000


def column_unit(experiment: Experiment, width_px: int) -> tuple[float, str]:
    """Size of a column and its unit for an axis: um, mm of wide frames, px if unknown."""
    pixel = experiment.pixel_size_um
    if pixel is None:
        return 1.0, "px"
    wide = width_px * pixel > _MOST_MICROMETRES
    return (pixel / 1000, "mm") if wide else (pixel, "µm")


def frame_unit(experiment: Experiment, n_frames: int) -> tuple[float, str]:
    """Duration of a frame and its unit for an axis: us, ms of long stacks; frames if unknown."""
    rate = experiment.frame_rate_hz
    if rate is None:
        return 1.0, ""
    return (1e6 / rate, "µs") if n_frames / rate <= _MOST_MICROSECONDS else (1e3 / rate, "ms")


def draw_kymograph(
    ax: Any, xt: ArrayLike, experiment: Experiment, line: LaserLine | None = None
) -> None:
    """An x-t image on a matplotlib axis, time downwards, the laser's line and speed in it.

    Parameters
    ----------
    xt : (T, X), as it is or what changes in it (:func:`.relative_change`); the outermost 1 % of
        values are cut off. experiment : the units. line : drawn over its laser track.
    """
    values = np.asarray(xt, np.float32)
    n_frames, width = values.shape
    (dx, x_unit), (dt, t_unit) = column_unit(experiment, width), frame_unit(experiment, n_frames)
    low, high = np.nanpercentile(values, (1, 99.5)) if np.isfinite(values).any() else (0, 1)
    ax.imshow(
        values,
        cmap="gray",
        vmin=low,
        vmax=high if high > low else low + 1,
        aspect="auto",
        interpolation="nearest",
        extent=(0, width * dx, (n_frames - 0.5) * dt, -0.5 * dt),  # edges lie between columns
    )
    ax.set_xlabel(f"x ({x_unit})")
    ax.set_ylabel(f"Time ({t_unit})" if t_unit else "Frame")
    if line is None:
        return
    frames = np.array([line.first_frame, min(line.last_frame, n_frames - 1)])
    ax.plot(line(frames) * dx, frames * dt, color=_LINE_COLOR, lw=1.2, ls=(0, (5, 3)))
    ax.set_xlim(0, width * dx)
    ax.set_ylim((n_frames - 0.5) * dt, -0.5 * dt)
    ax.set_title(speed_in_words(line, experiment).replace(", ", "\n"), fontsize=8)


def speed_in_words(line: LaserLine, experiment: Experiment) -> str:
    """The scan speed, and how it compares with the one that was set."""
    if line.direction == 0:
        return "laser stands"
    where = "right" if line.direction > 0 else "left"
    speed = line.scan_speed_m_s(experiment)
    if speed is None:
        return f"{abs(line.velocity_px):.2f} px a frame to the {where}"
    difference = line.speed_difference_percent(experiment)
    text = f"{speed:.3f} m/s to the {where}"
    return text if difference is None else f"{text}, {difference:+.1f} % from the speed set"


def kymograph_figure(
    xt: ArrayLike,
    experiment: Experiment,
    path: Path,
    *,
    line: LaserLine | None = None,
    title: str = "",
) -> None:
    """Write a kymograph in the width of a journal's column as PNG (or SVG, PDF by suffix)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.5, 3.2), layout="constrained")
    ax = figure.subplots()
    ax.tick_params(labelsize=8)
    draw_kymograph(ax, xt, experiment, line)
    if title:
        figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=300, format=figure_format(path))
