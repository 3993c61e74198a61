"""Numbers and curves of the chosen range: gathered in the GUI thread, computed in another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.io.signals import Signal
from napari_amseg.measure.correlation import (
    DEFAULT_LAG_SHARE,
    LaggedCorrelation,
    lagged_correlation,
)
from napari_amseg.measure.pore_tracks import PoreTracks
from napari_amseg.measure.quantities import QUANTITIES, Quantity
from napari_amseg.measure.range_statistics import RangeStatistics
from napari_amseg.measure.spectrum import Spectrum, spectrum
from napari_amseg.plugin.measure.compared import Compared
from napari_amseg.plugin.measure.results import Range, Results

Values = NDArray[np.float64]
_ALWAYS = (QUANTITIES["keyhole_area"], QUANTITIES["keyhole_depth"])


@dataclass(frozen=True, slots=True)
class StackNumbers:
    """Of one stack: its statistics in the range, its speed, and the chosen quantity's values.

    values : one a frame of the range, NaN for frames that do not count in the statistics.
    mean : of the quantity, as in the statistics; None where there are no values.
    pores : followed ones that were there in the range; None if they have not been followed yet.
    """

    statistics: RangeStatistics
    speed_m_s: float | None
    values: Values
    mean: float | None
    pores: int | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What the page in view shows. spectrum, correlation : a curve, why there is none, or None."""

    quantity: Quantity
    quantities: tuple[Quantity, ...]
    shown: StackNumbers
    compared: StackNumbers | None
    spectrum: Spectrum | str | None = None
    correlation: LaggedCorrelation | str | None = None


@dataclass(frozen=True, slots=True)
class DetailsRequest:
    """Which details are wanted. page : that in view. no_signal : why there is no signal."""

    results: Results
    within: Range
    quantity: Quantity
    page: str
    compared: Compared | None = None
    signal: Signal | None = None
    no_signal: str = ""


def details_task(request: DetailsRequest) -> Callable[[], Details]:
    """What computes the details; called in a thread, it touches nothing that may change."""
    quantity, results, compared = request.quantity, request.results, request.compared
    quantities = _ALWAYS if quantity in _ALWAYS else (*_ALWAYS, quantity)
    own = _numbers_task(results, quantities, quantity, request.within)
    other = None
    if compared is not None and compared.results.n_done:
        within = compared.range_of(request.within)
        other = _numbers_task(compared.results, quantities, quantity, within)
    rate = results.experiment.frame_rate_hz

    def compute() -> Details:
        shown = own()
        spectral = related = None
        if request.page == "Spectrum":
            spectral = _spectrum(shown.values, rate)
        if request.page == "Signal":
            related = _correlation(shown.values, rate, request)
        return Details(
            quantity, quantities, shown, other() if other else None, spectral, related
        )  # fmt: skip

    return compute


def _numbers_task(
    results: Results, quantities: tuple[Quantity, ...], quantity: Quantity, within: Range
) -> Callable[[], StackNumbers]:
    statistics = results.statistics(quantities, within)
    values, followed = results.values(quantity), results.measurements.followed

    def compute() -> StackNumbers:
        found = statistics()
        if quantity.role == "keyhole":  # the same frames as in the means: with a keyhole, untrimmed
            counts = np.zeros(values.size, bool)
            counts[found.keyhole_frames] = True
            values[~counts] = np.nan
        mean = found.spreads[quantity.stem].deviation.mean
        inside = values[max(within[0], 0) : within[1] + 1]
        pores = None if followed is None else _pores_in(followed, within)
        return StackNumbers(found, results.scan_speed_m_s(found), inside, mean, pores)

    return compute


def _pores_in(followed: PoreTracks, within: Range) -> int:
    first, last = followed.tracks["first_frame"], followed.tracks["last_frame"]
    return int(((first <= within[1]) & (last >= within[0])).sum())


def _spectrum(values: Values, rate_hz: float | None) -> Spectrum | str:
    return _or_reason(lambda: spectrum(values, rate_hz=rate_hz))


def _correlation(
    values: Values, rate_hz: float | None, request: DetailsRequest
) -> LaggedCorrelation | str:
    signal = request.signal
    if signal is None:
        return request.no_signal or "choose a file with a signal"
    if rate_hz is None:
        return "enter the frame rate and measure: a signal needs it"
    longest = values.size * DEFAULT_LAG_SHARE / rate_hz
    times = (request.within[0] + np.arange(values.size)) / rate_hz
    return _or_reason(
        lambda: lagged_correlation(values, times, signal.time_s, signal.values, max_lag_s=longest)
    )


def _or_reason(compute: Callable[[], Any]) -> Any:
    """The result, or why there is none."""
    try:
        return compute()
    except ValueError as error:
        return str(error)
