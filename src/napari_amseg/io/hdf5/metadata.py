"""Pixel size and frame rate from HDF5 metadata, where it truly says so.

Only values with a unit count. Exposure and count times are no frame periods, and a pixel size
where there is a magnification may be that of the camera chip: neither is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.hdf5.find import Found
from napari_amseg.io.hdf5.groups import attribute, detectors_in, member, near_groups
from napari_amseg.io.hdf5.links import BrokenLinkError, fetch
from napari_amseg.io.hdf5.parts import Parts
from napari_amseg.io.hdf5.values import values_of
from napari_amseg.io.units import HZ, SECONDS, UM, scale_of
from napari_amseg.types import Experiment

_PIXEL_SIZES = (
    ("x_pixel_size", "y_pixel_size"),
    ("pixel_size_x", "pixel_size_y"),
    ("pixel_size", "pixel_size"),
)
_RATES = ("frame_rate",)
_PERIODS = ("frame_period", "frame_time")
_TIMES = ("timestamp", "timestamps", "frame_timestamps", "time")
_SAME, _EVEN = 1e-3, 1e-2
_EXCHANGE = ("measurement/instrument/detector", "measurement/instrument/detection_system/objective")


def stated(file: Any, found: Found, parts: Parts, path: str) -> tuple[Experiment, tuple[str, ...]]:
    """What the file says of pixel size (um) and frame rate (Hz), and where it is not clear."""
    near = near_groups(file, found.dataset, found.name)
    groups, values = list(_groups(file, found, near)), _Values(path)
    pixel_size_um, pixel_notes = _pixel_size_um(values, groups, near)
    rate_hz, rate_notes = _frame_rate_hz(values, groups, parts) if parts.is_regular else (None, ())
    experiment = Experiment(pixel_size_um=_rounded(pixel_size_um), frame_rate_hz=_rounded(rate_hz))
    return experiment, (*pixel_notes, *rate_notes, *dict.fromkeys(values.unread))


def _groups(file: Any, found: Found, near: list[Any]) -> Iterator[Any]:
    """Those near the data, the only detector of its entry, and where Data Exchange keeps it."""
    yield from near
    detectors = [d for group in near for d in detectors_in(group)]
    if len(detectors) == 1:
        yield from detectors
    if found.name.startswith("exchange/"):
        for name in _EXCHANGE:
            try:
                group = fetch(file, name)
            except BrokenLinkError:
                continue
            if isinstance(group, h5py.Group):
                yield group


@dataclass(frozen=True, slots=True)
class _Values:
    """Reads values of a file; what cannot be read is told in `unread` and counts as not there."""

    path: str
    unread: list[str] = field(default_factory=list)

    def quantity(self, group: Any, name: str, scales: dict[str, float]) -> float | None:
        """A single number in the wanted unit; NaN if it is there without a unit of that kind."""
        value = self.number(group, name)
        if value is None:
            return None
        scale = scale_of(_unit(group[name]), scales)
        return value * scale if scale else float("nan")

    def number(self, group: Any, name: str) -> float | None:
        """A dataset with one value, or with one value throughout."""
        found = _dataset(group, name)
        if found is None or not 0 < found.size <= 10**6:
            return None
        values = self.row(found)
        is_one = values.size and np.isfinite(values[0]) and (values == values[0]).all()
        return float(values[0]) if is_one else None

    def row(self, dataset: Any) -> NDArray[np.float64]:
        """All values; none if they cannot be read."""
        try:
            return values_of(dataset, self.path).astype(np.float64)
        except ValueError as error:
            self.unread.append(str(error).removeprefix(f"{self.path}: "))
            return np.empty(0)


def _pixel_size_um(
    values: _Values, groups: list[Any], near: list[Any]
) -> tuple[float | None, tuple[str, ...]]:
    for group in groups:
        for names in _PIXEL_SIZES:
            sizes = [values.quantity(group, name, UM) for name in names]
            if sizes == [None, None]:
                continue
            where = f"{group.name}/{names[0]}".replace("//", "/")
            x, y = sizes
            if not (x and y and 1e-3 <= x <= 1e3 and abs(x - y) <= _SAME * x):
                return None, (
                    f"{where} is not used as pixel size: it has no unit of length, or is "
                    "not the same along y",
                )
            for holder in (*groups, *_optics(near)):
                told = member(holder, "magnification")
                times = values.number(holder, "magnification")
                if told is not None and times != 1:
                    return None, (_at_the_chip(where, x, told.name, times),)
            return x, (f"pixel size from {where}: check that it is that at the sample",)
    return None, ()


def _optics(near: list[Any]) -> Iterator[Any]:
    """What stands in the way of the light: the members of the instrument, and theirs."""
    for group in near:
        for part in detectors_in(group):
            yield part
            yield from (p for p in (member(part, n) for n in part) if isinstance(p, h5py.Group))


def _at_the_chip(where: str, size_um: float, name: str, magnification: float | None) -> str:
    """Why a pixel size is not believed, with the one that may be right."""
    told = f"{where} is {size_um:g} um"
    if magnification is None or magnification <= 0:
        return f"{told}, but there is {name}: it may be that of the camera chip, so it is not used"
    return (
        f"{told} at a magnification of {magnification:g} ({name}): it may be that of the camera "
        f"chip, so it is not used. If so, give --pixel-size {size_um / magnification:.6g}; if it "
        f"is that at the sample, --pixel-size {size_um:.6g}"
    )


def _frame_rate_hz(
    values: _Values, groups: list[Any], parts: Parts
) -> tuple[float | None, tuple[str, ...]]:
    """The one rate that all say; none where they differ."""
    rates: dict[str, float] = {}
    for group in groups:
        for name in _RATES:
            rates[f"{group.name}/{name}"] = values.quantity(group, name, HZ) or 0
        for name in _PERIODS:
            period_s = values.quantity(group, name, SECONDS) or 0
            rates[f"{group.name}/{name}"] = 1 / period_s if period_s > 0 else 0
        for name in _TIMES:
            rates[f"{group.name}/{name}"] = _rate_of_times(values, group, name, parts) or 0
    said = {where: rate for where, rate in rates.items() if 0 < rate < float("inf")}
    if not said:
        return None, ()
    low, high = min(said.values()), max(said.values())
    if high - low > _EVEN * high:
        return None, (f"{' and '.join(said)} state different frame rates: none is used",)
    return next(iter(said.values())), (f"frame rate from {next(iter(said))}".replace("//", "/"),)


def _rate_of_times(values: _Values, group: Any, name: str, parts: Parts) -> float | None:
    """From the times of the frames, if they are evenly spaced."""
    found = _dataset(group, name)
    scale = None if found is None else scale_of(_unit(found), SECONDS)
    shape = parts.frames.dataset.shape
    if found is None or scale is None or len(shape) < 3 or found.shape != shape[:1]:
        return None
    times = values.row(found)
    if times.size and parts.frames.images is not None:
        times = times[parts.frames.images]
    if len(times) < 3 or not np.isfinite(times).all():
        return None
    mean = float(times[-1] - times[0]) / (len(times) - 1)
    if mean <= 0 or np.abs(np.diff(times) - mean).max() > _EVEN * mean:
        return None
    return 1 / (mean * scale)


def _dataset(group: Any, name: str) -> Any:
    found = member(group, name)
    is_number = isinstance(found, h5py.Dataset) and found.shape is not None
    return found if is_number and found.dtype.kind in "uif" else None


def _unit(found: Any) -> str:
    return attribute(found, "units") or attribute(found, "unit")


def _rounded(value: float | None) -> float | None:
    """Without the last digits of its binary fraction."""
    return None if value is None else float(f"{value:.9g}")
