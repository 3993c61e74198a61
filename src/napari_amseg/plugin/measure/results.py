"""Measured rows as they come: what the plots show and the tables are written from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_amseg.io import OutputFiles
from napari_amseg.measure import Measurements, MeasureSettings
from napari_amseg.measure.quantities import Quantity
from napari_amseg.measure.range_statistics import (
    RANGE_COLUMNS,
    RangeStatistics,
    found_range,
    range_statistics,
)
from napari_amseg.measure.stack_columns import STACK_COLUMNS
from napari_amseg.pipeline.files import ResultFiles
from napari_amseg.pipeline.stack import FrameResult
from napari_amseg.types import Experiment

Row = dict[str, Any]
Range = tuple[int, int]
Values = NDArray[np.float64]


class Results:
    """Rows of a label stack by frame; `changed` fires when some were added.

    n_frames : of the whole stack, so that plots have their final width from the start.
    stale : the labels were edited since, so the rows are those of labels that no longer are.
    """

    changed = Signal()

    def __init__(self, n_frames: int, experiment: Experiment, settings: MeasureSettings) -> None:
        self.n_frames = n_frames
        self.measurements = Measurements(experiment, settings)
        self._columns: dict[str, Values] = {}
        self._told: tuple[int, Range | None] | None = None
        self._found: Range | None = None
        self.stale = False

    @property
    def experiment(self) -> Experiment:
        """Pixel size and frame rate, None where unknown."""
        return self.measurements.experiment

    @property
    def settings(self) -> MeasureSettings:
        """How the rows were measured."""
        return self.measurements.settings

    @property
    def in_um(self) -> bool:
        """Whether lengths are shown in um."""
        return self.experiment.pixel_size_um is not None

    def add(self, frame: int, row: Row, pores: list[Row]) -> None:
        """Keep the rows of one frame; emit `changed` yourself after the last of a batch."""
        self.measurements.append({**row, "frame": frame}, pores)
        self._columns.clear()
        self._found = None

    def mark_stale(self) -> None:
        """The labels were edited: the rows may be looked at, not saved; fires `changed`."""
        if not self.stale:
            self.stale = True
            self.changed.emit()

    def copy(self) -> Results:
        """The rows so far, for a thread: nothing is added to them."""
        other = Results(self.n_frames, self.experiment, self.settings)
        other.measurements = self.measurements.copy()
        return other

    @property
    def n_done(self) -> int:
        """How many frames have been measured."""
        return len(self.measurements)

    @property
    def complete(self) -> bool:
        """Whether every frame has been measured."""
        return self.n_done == self.n_frames

    @property
    def remark(self) -> str:
        """That not every frame has been measured, in words; empty if all were."""
        return "" if self.complete else f"{self.n_done} of {self.n_frames} frames measured"

    def values(self, quantity: Quantity) -> Values:
        """One value a frame, in um where the pixel size is known; NaN where there is none."""
        spread = np.full(self.n_frames, np.nan)
        spread[self._column("frame").astype(np.intp)] = self._column(
            quantity.column(in_um=self.in_um)
        )
        return spread

    def told_for(self, within: Range | None) -> bool:
        """Whether the columns of the stack are there, for this laser-on range."""
        return self._told == (self.n_done, within)

    def stack_columns(self, within: Range | None) -> Callable[[], dict[str, Values]]:
        """What gives the columns that only the stack can tell; it may be called in a thread."""
        copy = self.measurements.copy(self.settings_for(within))

        def compute() -> dict[str, Values]:
            table = copy.frames()
            return {name: table[name].to_numpy(np.float64) for name in STACK_COLUMNS}

        return compute

    def keep(self, columns: Mapping[str, Values], n_done: int, within: Range | None) -> bool:
        """Keep columns of the stack, unless rows have been added since; says whether it did."""
        if n_done != self.n_done:
            return False
        self._columns |= columns
        self._told = n_done, within
        return True

    def settings_for(self, within: Range | None) -> MeasureSettings:
        """The settings with a laser-on range, first and last frame; as they are for None."""
        if within is None:
            return self.settings
        return replace(self.settings, laser_on_frames=f"{within[0]}:{within[1] + 1}")

    def found_range(self) -> Range:
        """First and last frame with the laser on; the whole stack if it never was."""
        if self._found is None:  # asked for several times a redraw
            found = found_range({c: self._column(c) for c in RANGE_COLUMNS}, self.settings)
            self._found = found or (0, self.n_frames - 1)
        return self._found

    def statistics(
        self, quantities: Sequence[Quantity], within: Range
    ) -> Callable[[], RangeStatistics]:
        """What gives the numbers of a range of frames, ends included; it may be called in a
        thread.
        """
        named = [(q, q.column(in_um=self.in_um)) for q in quantities]
        columns = {name: self._column(name) for name in (*RANGE_COLUMNS, *(c for _, c in named))}
        return lambda: range_statistics(columns, named, within, self.settings)

    def scan_speed_m_s(self, statistics: RangeStatistics) -> float | None:
        """The fitted scan speed, None unless pixel size and frame rate are known."""
        speed, known = statistics.leading_edge_px_per_frame, self.experiment
        if speed is None or known.pixel_size_um is None or known.frame_rate_hz is None:
            return None
        return abs(speed) * known.pixel_size_um * 1e-6 * known.frame_rate_hz

    def summary(self) -> dict[str, Any]:
        """The content of ``_summary.json`` for the frames measured so far."""
        return self.measurements.summary()

    def _column(self, name: str) -> Values:
        """One value a measured frame, in order; kept until rows are added."""
        if name not in self._columns:
            if name in STACK_COLUMNS:
                return np.full(self.n_done, np.nan)
            self._columns[name] = self.measurements.values(name)
        return self._columns[name]

    def write(
        self,
        folder: Path,
        stem: str,
        run: Mapping[str, Any],
        labels: Any | None = None,
        *,
        within: Range | None = None,
    ) -> list[Path]:
        """Write tables, summary and record, and the label stack if given; returns the paths.

        within : first and last frame with the laser on, if they were chosen by hand.

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
        shape = (self.n_frames, 0, 0) if labels is None else labels.shape
        with OutputFiles(folder) as files:
            with ResultFiles(
                files,
                stem,
                shape,
                self.experiment,
                labels=labels is not None,
                measure=self.settings_for(within),
            ) as writer:
                for row, pores in self.measurements.copy().rows():
                    frame = int(row["frame"])
                    image = np.empty((0, 0)) if labels is None else labels[frame]
                    writer.append(FrameResult(frame, np.asarray(image, np.uint8), row, pores))
                writer.finish()
                writer.record({**run, "outputs": writer.output_records()})
            return list(files.finals)
