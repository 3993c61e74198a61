"""From a table to the spectrum of one of its columns, and its correlation with a signal."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_amseg.io import OutputFiles, TableWriter, write_json
from napari_amseg.io.signals import TIME_UNITS, Signal, read_signal
from napari_amseg.measure.correlation import (
    DEFAULT_LAG_SHARE,
    LaggedCorrelation,
    lagged_correlation,
)
from napari_amseg.measure.sampling import drop_outliers
from napari_amseg.measure.spectrum import Spectrum, prepare, spectrogram, spectrum
from napari_amseg.measure.spectrum_settings import SpectrumSettings
from napari_amseg.pipeline.series import Series, SeriesSettings, read_series
from napari_amseg.provenance import run_record, sha256
from napari_amseg.report.spectrum import SpectrumPanels, spectrum_figure
from napari_amseg.settings import Settings, setting

_FAR_OFF_SIGMA = 10.0


@dataclass(frozen=True, slots=True)
class SignalSettings(Settings):
    """An external signal and how it is compared."""

    signal: str | None = setting(None, help="CSV file of a signal on the clock of the table.")
    signal_column: str | None = setting(None, help="Its column of values, if it has several.")
    signal_time_column: str | None = setting(None, help="Its column of times.")
    signal_time_unit: str | None = setting(
        None, choices=tuple(TIME_UNITS), help="Unit of its times; as its header says, else s."
    )
    signal_offset_s: float = setting(0.0, unit="s", help="Added to its times.")
    max_lag_s: float = setting(
        0.0, low=0, unit="s", help="Greatest lag looked at; 0: a fifth of the series."
    )


@dataclass(frozen=True, slots=True)
class SpectrumRequest:
    """What :func:`spectrum_to_files` reads, computes and writes."""

    table: Path
    folder: Path
    frame_rate_hz: float | None = None
    series: SeriesSettings = field(default_factory=SeriesSettings)
    settings: SpectrumSettings = field(default_factory=SpectrumSettings)
    signal: SignalSettings = field(default_factory=SignalSettings)
    overwrite: bool = False

    @property
    def stem(self) -> str:
        """What the files are named after."""
        return self.table.stem.removesuffix("_frames")

    @property
    def names(self) -> list[str]:
        """The files it makes."""
        names = [f"{self.stem}_spectrum.{kind}" for kind in ("csv", "json", "png")]
        return names + ([f"{self.stem}_correlation.csv"] if self.signal.signal else [])


def spectrum_to_files(request: SpectrumRequest) -> dict[str, Any]:
    """Compute what is asked for, write all files and give the record that stands in the JSON.

    Raises
    ------
    ValueError, OSError
        If the table or the signal cannot be read, the series is too short or constant, a signal is
        given but no frame rate is known, or a file is there already and must stay.
    """
    if not request.overwrite:
        for name in request.names:
            if (request.folder / name).exists():
                raise FileExistsError(
                    f"{request.folder / name}: is there already; choose another folder with -o, "
                    "or --overwrite."
                )
    series = read_series(request.table, request.series, frame_rate_hz=request.frame_rate_hz)
    found = spectrum(series.even.values, rate_hz=series.rate_hz, settings=request.settings)
    signal, related = _correlation(series, request.signal, request.settings)
    record = _record(request, series, found, related)
    with OutputFiles(request.folder) as files:
        paths = [files.path(name) for name in request.names]
        _write_spectrum(paths[0], found)
        write_json(paths[1], record)
        panels = _panels(series, found, request.settings, signal, related)
        spectrum_figure(panels, paths[2], title=request.stem)
        if related:
            _write_correlation(paths[3], related)
    return record


def _correlation(
    series: Series, settings: SignalSettings, taken: SpectrumSettings
) -> tuple[Signal | None, LaggedCorrelation | None]:
    if settings.signal is None:
        return None, None
    if series.rate_hz is None:
        raise ValueError("a signal needs times: the table has none. Give --frame-rate.")
    signal = read_signal(
        settings.signal,
        time_column=settings.signal_time_column,
        value_column=settings.signal_column,
        time_unit=settings.signal_time_unit,
        offset_s=settings.signal_offset_s,
    )
    even = series.even
    length = even.values.size * even.step
    return signal, lagged_correlation(
        prepare(even.values, taken)[0],
        even.times,
        signal.time_s,
        signal.values,
        max_lag_s=settings.max_lag_s or DEFAULT_LAG_SHARE * length,
    )


def _panels(
    series: Series,
    found: Spectrum,
    settings: SpectrumSettings,
    signal: Signal | None,
    related: LaggedCorrelation | None,
) -> SpectrumPanels:
    values = series.even.values
    return SpectrumPanels(
        time=series.even.times,
        values=values,
        used=prepare(values, settings)[0],
        name=series.name,
        unit=series.unit,
        time_unit="frames" if series.rate_hz is None else "s",
        spectrum=found,
        spectrogram=spectrogram(values, rate_hz=series.rate_hz, settings=settings),
        correlation=related,
        signal_name=signal.name if signal else "",
    )


def _write_spectrum(path: Path, found: Spectrum) -> None:
    names = (f"frequency_{_suffix(found)}", "density", "background")
    with TableWriter(path, names) as table:
        for row in zip(found.frequency, found.density, found.background, strict=True):
            table.append(dict(zip(names, map(float, row), strict=True)))


def _write_correlation(path: Path, related: LaggedCorrelation) -> None:
    with TableWriter(path, ("lag_s", "coefficient", "n_frames")) as table:
        columns = (related.lag_s, related.coefficient, related.n_frames)
        for lag, coefficient, n in zip(*columns, strict=True):
            table.append({"lag_s": float(lag), "coefficient": float(coefficient), "n_frames": n})


def _record(
    request: SpectrumRequest, series: Series, found: Spectrum, related: LaggedCorrelation | None
) -> dict[str, Any]:
    """The content of ``<stem>_spectrum.json``."""
    even = series.even
    inputs = [request.table] + ([Path(request.signal.signal)] if request.signal.signal else [])
    settings = {
        "series": request.series.to_json(),
        "spectrum": request.settings.to_json(),
        "signal": request.signal.to_json(),
    }
    return run_record(
        inputs=[{"name": path.name, "sha256": sha256(path)} for path in inputs],
        settings=settings,
        notes=(*found.notes, *_told_outliers(series, request.settings)),
        series={
            "name": series.name,
            "unit": series.unit or None,
            "rate_hz": series.rate_hz,
            "start": even.start,
            "end": float(even.times[-1]),
            "n_values": int(even.values.size),
            "n_missing": int(np.isnan(even.values).sum()),
        },
        spectrum=_spectrum_record(found),
        correlation=None if related is None else _correlation_record(related),
    )


def _told_outliers(series: Series, settings: SpectrumSettings) -> tuple[str, ...]:
    """A remark on values far off, where nobody asked for them to be left out."""
    if settings.outlier_sigma:
        return ()
    window = settings.outlier_window_frames
    n = drop_outliers(series.even.values, sigmas=_FAR_OFF_SIGMA, window=window)[1]
    if not n:
        return ()
    return (
        f"{n} values lie {_FAR_OFF_SIGMA:g} robust standard deviations and more from their running "
        f"median: wrong masks or lost tracking make peaks of their own. Look at the series; "
        f"--outlier-sigma {_FAR_OFF_SIGMA:g} leaves them out.",
    )


def _spectrum_record(found: Spectrum) -> dict[str, Any]:
    return {
        "frequency_unit": found.frequency_unit,
        "nyquist": found.nyquist,
        "resolution": found.resolution,
        "variance": found.variance,
        "half_of_variance_below": found.variance_below(0.5),
        "nine_tenths_of_variance_below": found.variance_below(0.9),
        "may_be_aliased": found.may_be_aliased,
        "upper_share": found.upper_share,
        "segment_frames": found.segment_frames,
        "n_segments": found.n_segments,
        "n_filled": found.n_filled,
        "n_outliers": found.n_outliers,
        "n_unused": found.n_unused,
        "peaks": [
            asdict(peak) | {"folded_from": list(found.folded_from(peak.frequency))}
            for peak in found.peaks
        ],
    }


def _correlation_record(related: LaggedCorrelation) -> dict[str, Any]:
    return {
        "best_lag_s": related.best_lag_s,
        "best_coefficient": related.best_coefficient,
        "n_frames": related.n,
        "signal": "averaged over frames" if related.averaged else "interpolated",
        "sign": "positive: the signal comes later",
    }


def _suffix(found: Spectrum) -> str:
    return "hz" if found.frequency_unit == "Hz" else "cycles_per_frame"
