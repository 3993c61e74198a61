"""One column of a table as a series over even times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_amseg.io.signals import Signal, read_signal, signal_columns
from napari_amseg.measure.sampling import EvenSeries, even_series
from napari_amseg.settings import Settings, setting

_DEFAULT_COLUMNS = ("keyhole_depth_um", "keyhole_depth_px")


@dataclass(frozen=True, slots=True)
class SeriesSettings(Settings):
    """Which part of a table is taken."""

    column: str | None = setting(
        None, help="Column of values; keyhole depth in a table of frames, else the only other one."
    )
    unit: str = setting("", help="Unit of the values, if the table does not tell.")
    start: float | None = setting(
        None, help="First time taken, in s; a frame where no frame rate is known."
    )
    end: float | None = setting(None, help="Last time taken, likewise.")


@dataclass(frozen=True, slots=True)
class Series:
    """A column of a table on its even time grid.

    even : times in s, or frame numbers where `rate_hz` is None.
    """

    name: str
    unit: str
    even: EvenSeries
    rate_hz: float | None


def read_series(
    path: Path, settings: SeriesSettings | None = None, *, frame_rate_hz: float | None = None
) -> Series:
    """Read a series: a column of ``_frames.csv``, or any CSV with a time and a value.

    Of a table of frames, those in which the laser was off do not count, and for what is measured of
    the keyhole those without one: an area of 0 there is a keyhole that was missed.

    Raises
    ------
    ValueError, OSError
        As :func:`~napari_amseg.io.signals.read_signal`; also if the column is empty, times are not
        even, or a frame rate is given for a table with its own times.
    """
    settings = settings or SeriesSettings()
    columns = signal_columns(path)
    own_times = any(c.casefold().startswith("time") and c != "time_s" for c in columns)
    if "frame" in columns and ("time_s" in columns or not own_times):
        values, timed = _of_frames(path, columns, settings.column, frame_rate_hz)
    elif frame_rate_hz is None:
        values, timed = read_signal(path, value_column=settings.column), True
    else:
        raise ValueError(f"{path}: has times of its own; leave the frame rate out.")
    inside = np.ones(values.time_s.size, bool)
    if settings.start is not None:
        inside &= values.time_s >= settings.start
    if settings.end is not None:
        inside &= values.time_s <= settings.end
    times, kept = values.time_s[inside], values.values[inside]
    if times.size < 2 or not np.isfinite(kept).any():
        raise ValueError(
            f"{path}: {values.name} has no values between start and end; the table goes from "
            f"{values.time_s[0]:g} to {values.time_s[-1]:g}."
        )
    try:
        even = even_series(times, kept)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    rate = 1 / even.step if timed else None
    return Series(values.name, settings.unit or values.unit, even, rate)


def _of_frames(
    path: Path, columns: tuple[str, ...], column: str | None, frame_rate_hz: float | None
) -> tuple[Signal, bool]:
    """A column of a table of frames over time or, where that is unknown, over frames; and whether
    it is over time.
    """

    def read(name: str) -> Signal:
        return read_signal(path, time_column="frame", value_column=name, time_unit="s")

    wanted = (column,) if column else tuple(c for c in _DEFAULT_COLUMNS if c in columns)
    if not wanted and len(columns) == 2:
        wanted = tuple(c for c in columns if c != "frame")
    tables = [(name, read(name)) for name in wanted]
    named = next(((n, t) for n, t in tables if np.isfinite(t.values).any()), None)
    if named is None:
        raise ValueError(
            f"{path}: {' and '.join(wanted) or 'keyhole depth'} is empty; choose another column."
        )
    name, found = named
    values = found.values
    if name.startswith("keyhole_"):
        # in a gap the area is 0, all else is empty: neither is a measurement
        absent = ("laser_on", "keyhole_area_px", "keyhole_area_um2")
        for other in (other for other in absent if other in columns):
            values = np.where(read(other).values == 0, np.nan, values)
        if not np.isfinite(values).any():
            raise ValueError(f"{path}: no frame has a keyhole while the laser is on.")
    times, timed = found.time_s, frame_rate_hz is not None
    if frame_rate_hz is not None:
        if not frame_rate_hz > 0:
            raise ValueError(f"frame rate is {frame_rate_hz:g} Hz: it must be above 0.")
        times = times / frame_rate_hz
    elif "time_s" in columns and np.isfinite(seconds := read("time_s").values).all():
        times, timed = seconds, True
    return Signal(found.name, times, values, found.unit), timed
