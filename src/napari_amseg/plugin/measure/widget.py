"""The *Measure* widget: keyhole and pores over time, linked to the shown frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_amseg.measure import MeasureSettings
from napari_amseg.measure.quantities import QUANTITIES, Quantity
from napari_amseg.plugin.edits import Edits
from napari_amseg.plugin.layers import current_frame, label_source, show_frame
from napari_amseg.plugin.measure.compare_stack import CompareStack
from napari_amseg.plugin.measure.details import DetailsRequest, details_task
from napari_amseg.plugin.measure.export import Display
from napari_amseg.plugin.measure.followed import FollowedPores
from napari_amseg.plugin.measure.job import Measuring
from napari_amseg.plugin.measure.measured import MeasuredLayers
from napari_amseg.plugin.measure.remarks import remark, why_not_saved
from napari_amseg.plugin.measure.results import Range, Results
from napari_amseg.plugin.measure.stack_columns import StackColumns
from napari_amseg.plugin.tasks import Latest, explain
from napari_amseg.plugin.theme import palette
from napari_amseg.plugin.timer import single_shot

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_REDRAW_MS = 250
_DETAILS_MS = 40


class Measure(QWidget):
    """Measure a labels layer and look at the series; rows from *Segment* show by themselves.

    changed : other numbers are shown than before, or these are known to be outdated.
    """

    changed = Signal()

    def __init__(self, napari_viewer: napari.Viewer):
        from napari_amseg.plugin.measure.page import MeasurePage

        super().__init__()
        self._viewer = napari_viewer
        self.results: Results | None = None
        self._job: Measuring | None = None
        self._edits: Edits | None = None
        self.chosen_range: Range | None = None  # by hand
        self._details = Latest(self._show_details)
        self._of_stack, self._pores = StackColumns(self._draw), FollowedPores(self._draw)
        self.page = MeasurePage(napari_viewer, self._display)
        self.page.fill(self)
        self._measured = MeasuredLayers()
        self.compare = CompareStack(self._measured, self._on_rows)
        self._redraw = single_shot(self, _REDRAW_MS, self._draw)
        self._refresh = single_shot(self, _DETAILS_MS, self._refresh_details)
        self._connect()
        self._on_layer()

    def _connect(self) -> None:
        page = self.page
        page.labels.layer_changed.connect(self._on_layer)
        page.compare.layer_changed.connect(self._on_compare)
        page.measure_button.clicked.connect(self._on_button)
        page.plots.frame_chosen.connect(self._on_frame_chosen)
        page.plots.range_dragged.connect(self.choose_range)
        page.plots.hovered.connect(page.readout.setText)
        page.range.range_typed.connect(self.choose_range)
        page.range.range_toggled.connect(page.plots.show_range)
        page.range.automatic_wanted.connect(self.find_range)
        page.range.quantities_chosen.connect(self._on_quantities)
        page.quantity.currentIndexChanged.connect(self._refresh.start)
        page.details.wanted.connect(self._on_details_wanted)
        self._viewer.dims.events.current_step.connect(self._on_step)
        self._viewer.events.theme.connect(self._on_theme)
        self.destroyed.connect(lambda *_: self._stop())

    @property
    def is_running(self) -> bool:
        """Whether labels are being measured."""
        return self._job is not None

    @property
    def quantity(self) -> Quantity:
        """The quantity whose histogram and spectrum are shown."""
        return QUANTITIES[self.page.quantity.currentData()]

    def within(self) -> Range:
        """First and last frame that count, both included."""
        if self.chosen_range is not None:
            return self.chosen_range
        return (0, 0) if self.results is None else self.results.found_range()

    def _on_layer(self) -> None:
        """Another layer: fill in what it knows, show the rows it brings."""
        self._stop_measuring()
        self.chosen_range = None
        page, layer = self.page, self.page.labels.layer()
        self._edits = None if layer is None else Edits(layer, self._on_edit)
        if layer is None:
            self._watch(None)
        else:
            results = self._measured.results_of(layer)
            known = label_source(layer).experiment if results is None else results.experiment
            page.experiment.set_value(known)
            self._watch(results)
            page.plots.mark_frame(current_frame(self._viewer, layer))
        page.compare.refresh()

    def _on_edit(self, layer: Layer) -> None:
        """The numbers stay in view, but are those of labels that no longer are."""
        if self.results is not None:
            self.results.mark_stale()

    def _on_compare(self) -> None:
        self.compare.choose(self.page.compare.layer(), self.page.labels.layer(), self.results)
        self._draw()

    def _watch(self, results: Results | None) -> None:
        """Show these rows, and those that will come."""
        if self.results is not None:
            self.results.changed.disconnect(self._on_rows, missing_ok=True)
        self.results = results
        if results is not None:
            results.changed.connect(self._on_rows)
        self._on_compare()

    def _on_rows(self) -> None:
        if not self._redraw.isActive():
            self._redraw.start()

    def _draw(self) -> None:
        results, page = self.results, self.page
        page.plots.show_results(results, self.compare.over(results))
        if results is not None and self.is_running:
            page.progress.setValue(results.n_done)
        self._show_range()
        self._refresh.start()
        self._pores.want(results)
        layer, compared = page.labels.layer(), self.compare.remark(results)
        page.show_remark(remark(layer, results, compared, running=self.is_running))
        self.enable()
        self.changed.emit()

    def enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        page, layer = self.page, self.page.labels.layer()
        page.measure_button.setText("Cancel" if self.is_running else "Measure")
        page.measure_button.setEnabled(layer is not None)
        page.measure_button.setToolTip(
            "Segment a stack or open labels first."
            if layer is None
            else "Measure every frame of the labels as they are now."
        )
        page.exports.enable()

    def _show_range(self) -> None:
        n_frames = 1 if self.results is None else self.results.n_frames
        within = self.within()
        self.page.plots.set_range(within)
        self.page.range.set_range(within, n_frames, automatic=self.chosen_range is None)

    def choose_range(self, first: int, last: int) -> None:
        """Let the frames from `first` to `last`, both included, count."""
        self.chosen_range = first, last
        self._show_range()
        self._refresh.start()

    def find_range(self) -> None:
        """Let the frames with the laser on count, found from the keyhole."""
        self.chosen_range = None
        self._show_range()
        self._refresh.start()

    def _on_quantities(self, quantities: list[Quantity]) -> None:
        self.page.plots.show_quantities(quantities)
        self._refresh.start()

    def _on_details_wanted(self) -> None:
        """Another page, or another signal."""
        rate = self.results.experiment.frame_rate_hz if self.results else None
        self.page.plots.show_signal(self.page.details.signal.overlay(rate))
        self._refresh.start()

    def _refresh_details(self) -> None:
        """Compute what the page in view shows, and columns that need the whole stack."""
        results, page = self.results, self.page
        if results is None or not results.n_done:
            page.details.show_nothing()
            return
        compared = self.compare.over(results)
        request = DetailsRequest(
            results, self.within(), self.quantity, page.details.page, compared,
            page.details.signal.signal, page.details.signal.problem,
        )  # fmt: skip
        task = details_task(request)
        self._details.submit(lambda: (task(), results, compared))
        if any(q.of_stack for q in (*page.range.quantities(), self.quantity)):
            others = [] if compared is None else [(compared.results, None)]
            self._of_stack.want([(results, self.chosen_range), *others])

    def _show_details(self, outcome: Any) -> None:
        details, results, compared = outcome
        if results is self.results:
            self.page.details.show_details(details, results, compared)

    def _on_button(self) -> None:
        if self.is_running:
            self._stop_measuring()
            self._draw()
        else:
            self.measure()

    def measure(self) -> None:
        """Measure the chosen layer in a thread."""
        page, layer = self.page, self.page.labels.layer()
        if layer is None or self.is_running:
            return
        try:
            numbers = page.experiment.value()
            experiment = replace(
                label_source(layer).experiment,
                pixel_size_um=numbers.pixel_size_um,
                frame_rate_hz=numbers.frame_rate_hz,
            )
            settings: MeasureSettings = page.settings.value()
        except ValueError as error:
            explain(error)
            return
        self._job = Measuring(layer, experiment, settings, self._on_measured)
        page.progress.setRange(0, max(self._job.results.n_frames, 1))
        page.progress.setValue(0)
        page.progress.setVisible(True)
        self._watch(self._job.results)

    def _on_measured(self, error: Exception | None) -> None:
        self._job = None
        self.page.progress.setVisible(False)
        layer = self.page.labels.layer()
        if error is not None:
            self._watch(None)
            explain(error)
        elif layer is not None and self.results is not None:
            self._measured.keep(layer, self.results)
        self._draw()

    def _stop_measuring(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self.page.progress.setVisible(False)

    def _display(self) -> Display | str:
        """What is shown, for an export; in words if there is nothing."""
        layer, results = self.page.labels.layer(), self.results
        if self.is_running:
            return "Wait until it is measured."
        if layer is None or results is None or not results.n_done:
            return "Measure first."
        if self._edits is not None:
            self._edits.look()
        self.compare.look()
        compared, chosen = self.compare.over(results), self.chosen_range is not None
        if why := why_not_saved(results, compared):
            return why
        return Display(
            layer, results, self.within(), chosen, self.page.range.quantities(), self.quantity,
            compared, self.page.details.signal.overlay(results.experiment.frame_rate_hz),
            self.page.details.page,
        )  # fmt: skip

    def _on_step(self, event: Any = None) -> None:
        if (layer := self.page.labels.layer()) is not None:
            self.page.plots.mark_frame(current_frame(self._viewer, layer))

    def _on_frame_chosen(self, frame: int) -> None:
        if (layer := self.page.labels.layer()) is not None:
            show_frame(self._viewer, layer, frame)

    def _on_theme(self, event: Any = None) -> None:
        self.page.set_palette(palette(self._viewer))

    def _stop(self) -> None:
        self._stop_measuring()
        self._edits = None
        self.compare.stop()
        self._measured.stop()
        for latest in (self._details, self._of_stack, self._pores, self.page.exports):
            latest.stop()
        self.page.labels.stop()
        self.page.compare.stop()
        self.page.details.signal.stop()
        self._viewer.dims.events.current_step.disconnect(self._on_step)
        self._viewer.events.theme.disconnect(self._on_theme)
        if self.results is not None:
            self.results.changed.disconnect(self._on_rows, missing_ok=True)
