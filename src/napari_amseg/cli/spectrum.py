"""``amseg spectrum``: how fast the depth of a keyhole, or any series, fluctuates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_amseg.cli.arguments import OutFolder
from napari_amseg.cli.progress import err, show_notes
from napari_amseg.measure.spectrum_settings import SpectrumSettings
from napari_amseg.pipeline.series import SeriesSettings
from napari_amseg.pipeline.spectrum import (
    SignalSettings,
    SpectrumRequest,
    spectrum_to_files,
)


def spectrum(
    table: Annotated[
        Path, typer.Argument(help="STEM_frames.csv, or a CSV file of times and values.")
    ],
    out: OutFolder,
    series: SeriesSettings,
    analysis: SpectrumSettings,
    comparison: SignalSettings,
    frame_rate: Annotated[
        float | None,
        typer.Option(
            "--frame-rate", metavar="HZ", help="Frames a second, if the table has no times."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace earlier results.")
    ] = False,
) -> None:
    """Show how fast keyhole depth, area or any series fluctuates: power spectrum and spectrogram.

    Writes into OUT: STEM_spectrum.csv, .json (peaks, Nyquist limit, notes) and .png; with --signal
    also STEM_correlation.csv, the correlation with that signal against the lag.

    Example: amseg spectrum results/run3_frames.csv --column keyhole_area_um2 -o results
    """
    request = SpectrumRequest(table, out, frame_rate, series, analysis, comparison, overwrite)
    record = spectrum_to_files(request)
    show_notes(record["notes"])
    for line in _peaks(record["spectrum"]):
        err.print(line, highlight=False, markup=False)
    if related := record["correlation"]:
        err.print(
            f"correlation with the signal: r = {related['best_coefficient']:.3f} at a lag of "
            f"{related['best_lag_s']:.6g} s",
            highlight=False,
        )
    for name in request.names:
        typer.echo(out / name)


def _peaks(found: dict[str, Any]) -> list[str]:
    """The main peaks in words."""
    unit = found["frequency_unit"]
    if not found["peaks"]:
        return [f"no peak stands out; half of the variance lies below "
                f"{found['half_of_variance_below']:.4g} {unit}"]  # fmt: skip
    return [
        f"peak at {peak['frequency']:.5g} {unit}: {peak['prominence']:.3g} times the background, "
        f"{peak['share']:.1%} of the variance"
        for peak in found["peaks"]
    ]
