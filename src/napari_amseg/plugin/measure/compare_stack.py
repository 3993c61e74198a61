"""A second labels layer to compare with: its rows, measured if it brings none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_amseg.measure import MeasureSettings
from napari_amseg.plugin.edits import Edits
from napari_amseg.plugin.layers import label_source
from napari_amseg.plugin.measure.compared import Compared
from napari_amseg.plugin.measure.job import Measuring
from napari_amseg.plugin.measure.measured import MeasuredLayers
from napari_amseg.plugin.measure.results import Results
from napari_amseg.plugin.tasks import explain
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    from napari.layers import Layer


class CompareStack:
    """The rows of the layer to compare with. changed : called when there are more of them.

    measured : what is known of layers already.
    """

    def __init__(self, measured: MeasuredLayers, changed: Callable[[], None]) -> None:
        self._measured, self._changed = measured, changed
        self._wanted: Any = None
        self._layer: Layer | None = None
        self._shown: Layer | None = None
        self._results: Results | None = None
        self._job: Measuring | None = None
        self._edits: Edits | None = None
        self._borrowed = ""

    def choose(self, layer: Layer | None, shown: Layer | None, results: Results | None) -> None:
        """Compare the rows of `shown` with those of `layer`, None: with nothing.

        A layer on the grid of the shown one that knows no pixel size or frame rate has the same.
        """
        wanted = layer, shown, None if results is None else results.experiment
        if wanted == self._wanted and (layer is None or self._results is not None):
            return
        self.stop()
        self._wanted, self._layer, self._shown = wanted, layer, shown
        self._results, self._borrowed = None, ""
        if layer is None or shown is None or results is None:
            return
        self._results = self._measured.results_of(layer)
        if self._results is None:
            own = label_source(layer).experiment
            experiment = self._experiment(layer, shown, own, results.experiment)
            self._job = Measuring(layer, experiment, _plain(results.settings), self._on_measured)
            self._results = self._job.results
        self._results.changed.connect(self._on_rows)
        self._edits = Edits(layer, self._on_edit)

    def _experiment(
        self, layer: Layer, shown: Layer, own: Experiment, theirs: Experiment
    ) -> Experiment:
        if tuple(layer.data.shape) != tuple(shown.data.shape):
            return own
        filled = replace(
            own,
            pixel_size_um=own.pixel_size_um or theirs.pixel_size_um,
            frame_rate_hz=own.frame_rate_hz or theirs.frame_rate_hz,
        )
        if filled != own:
            self._borrowed = "pixel size and frame rate are taken from the shown stack"
        return filled

    def over(self, results: Results | None) -> Compared | None:
        """What is drawn over the rows of the shown stack."""
        if self._layer is None or self._results is None or results is None:
            return None
        return Compared(self._layer.name, self._results, results)

    def remark(self, results: Results | None) -> str:
        """What a user must know who compares the two."""
        compared = self.over(results)
        if compared is None or self._layer is None or self._shown is None:
            return ""
        shapes = tuple(self._shown.data.shape), tuple(self._layer.data.shape)
        said = [compared.remarks(shapes), self._borrowed]
        if self._job is not None:
            done, n = compared.results.n_done, compared.results.n_frames
            said.insert(0, f"measuring frame {done} of {n}")
        words = "; ".join(part for part in said if part)
        return f"{compared.name}: {words}." if words else ""

    def stop(self) -> None:
        """Measure no more."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        if self._results is not None:
            self._results.changed.disconnect(self._on_rows, missing_ok=True)
        self._edits = None

    def look(self) -> None:
        """See whether the labels are still what was measured."""
        if self._edits is not None:
            self._edits.look()

    def _on_edit(self, layer: Layer) -> None:
        if self._results is not None:
            self._results.mark_stale()

    def _on_rows(self) -> None:
        self._changed()

    def _on_measured(self, error: Exception | None) -> None:
        self._job = None
        if error is not None:
            self._results = None
            explain(error)
        elif self._layer is not None and self._results is not None:
            self._measured.keep(self._layer, self._results)
        self._changed()


def _plain(settings: MeasureSettings) -> MeasureSettings:
    """The same options; the laser-on frames are those of another stack."""
    return replace(settings, laser_on_frames="")
