"""Measured rows as they come: what the plots show and the tables are written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_amseg.io import OutputFiles
from napari_amseg.measure import MeasureSettings, PoreLinker, StackSummary
from napari_amseg.pipeline.files import ResultFiles
from napari_amseg.pipeline.stack import FrameResult
from napari_amseg.types import Experiment

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """A quantity to plot: title, column in pixels, column in physical units and its unit."""

    title: str
    column_px: str
    unit_px: str
    column_um: str | None = None
    unit_um: str = ""

    def column(self, experiment: Experiment) -> str:
        """The column in the best unit there is."""
        return self.column_um if self.column_um and experiment.pixel_size_um else self.column_px

    def label(self, experiment: Experiment) -> str:
        """Title with the unit of that column."""
        unit = self.unit_um if self.column(experiment) == self.column_um else self.unit_px
        return f"{self.title} ({unit})" if unit else self.title


SERIES = (
    Series("keyhole area", "keyhole_area_px", "px", "keyhole_area_um2", "µm²"),
    Series("keyhole depth", "keyhole_depth_px", "px", "keyhole_depth_um", "µm"),
    Series("pore area", "pore_area_px", "px", "pore_area_um2", "µm²"),
    Series("pores", "pore_count", "count"),
)


class Results:
    """Rows of a label stack by frame; `changed` fires when some were added.

    n_frames : of the whole stack, so that plots have their final width from the start.
    """

    changed = Signal()

    def __init__(self, n_frames: int, experiment: Experiment, settings: MeasureSettings) -> None:
        self.n_frames, self.experiment, self.settings = n_frames, experiment, settings
        self._rows: dict[int, Row] = {}
        self._pores: dict[int, list[Row]] = {}
        self._values = {s.column(experiment): np.full(n_frames, np.nan) for s in SERIES}

    def add(self, frame: int, row: Row, pores: list[Row]) -> None:
        """Keep the rows of one frame; emit `changed` yourself after the last of a batch."""
        self._rows[frame], self._pores[frame] = row, pores
        for column, values in self._values.items():
            value = row.get(column)
            values[frame] = np.nan if value is None else value

    @property
    def n_done(self) -> int:
        """How many frames have been measured."""
        return len(self._rows)

    @property
    def complete(self) -> bool:
        """Whether every frame has been measured."""
        return self.n_done == self.n_frames

    def values(self, series: Series) -> NDArray[np.float64]:
        """One value a frame, NaN where there is none."""
        return self._values[series.column(self.experiment)]

    def summary(self) -> dict[str, Any]:
        """The content of ``_summary.json`` for the frames measured so far."""
        skip = self.settings.skip_entry_exit_frames
        summary = StackSummary(self.experiment, skip_entry_exit_frames=skip)
        for frame in sorted(self._rows):
            summary.append(self._rows[frame])
        return summary.to_json()

    def write(
        self, folder: Path, stem: str, run: Mapping[str, Any], labels: Any | None = None
    ) -> list[Path]:
        """Write tables, summary and record, and the label stack if given; returns the paths.

        Raises
        ------
        FileExistsError
            If the label stack exists already: it may have been corrected by hand.
        OSError
            If the folder cannot be written to; nothing is left half-written.
        """
        target = folder / f"{stem}_labels.tif"
        if labels is not None and target.exists():
            raise FileExistsError(f"{target}: exists already, choose another folder.")
        frames = sorted(self._rows)
        linker = PoreLinker(self.settings.max_pore_step_px)
        shape = (self.n_frames, 0, 0) if labels is None else labels.shape
        with OutputFiles(folder) as files:
            with ResultFiles(
                files,
                stem,
                shape,
                self.experiment,
                labels=labels is not None,
                measure=self.settings,
            ) as writer:
                for frame in frames:
                    pores = [dict(pore) for pore in self._pores[frame]]
                    linker.link(pores)
                    image = np.empty((0, 0)) if labels is None else labels[frame]
                    image = np.asarray(image, np.uint8)
                    writer.append(FrameResult(frame, image, self._rows[frame], pores))
                writer.close_tables()
                writer.record({**run, "outputs": writer.output_records()})
            return list(files.finals)


def summary_lines(summary: Mapping[str, Any]) -> str:
    """The numbers of a stack in a few short lines for people."""
    first = f"keyhole in {summary['n_frames_with_keyhole']} of {summary['n_frames']} frames"
    if summary["scan_speed_m_s"] is not None:
        first += f", moving at {summary['scan_speed_m_s']:.3g} m/s"
    lines = [first]
    known = summary["pixel_size_um"] is not None
    for what, column, unit in (
        ("area", "keyhole_area_um2" if known else "keyhole_area_px", "µm²" if known else "px"),
        ("depth", "keyhole_depth_um" if known else "keyhole_depth_px", "µm" if known else "px"),
    ):
        record = summary[column]
        if record["mean"] is not None:
            lines.append(f"{what}: mean {record['mean']:.4g} {unit}{_deviation(record)}")
    lines.append(f"pores: {summary['pore_count_mean'] or 0:.3g} a frame")
    return "\n".join(lines)


def _deviation(record: Mapping[str, Any]) -> str:
    if record["delta_avg"] is None:
        return ""
    return f", deviation {100 * record['delta_avg']:.0f} % (most {100 * record['delta_max']:.0f} %)"
