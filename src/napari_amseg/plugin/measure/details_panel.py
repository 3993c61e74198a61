"""Pages beside the series: numbers of the range, histogram, spectrum, external signal."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QScrollArea, QTabWidget, QVBoxLayout, QWidget

from napari_amseg.measure.spectrum import frequency_scale
from napari_amseg.plugin.fields import Lines
from napari_amseg.plugin.measure.compared import Compared
from napari_amseg.plugin.measure.details import Details
from napari_amseg.plugin.measure.results import Results
from napari_amseg.plugin.measure.series_plot import color_of
from napari_amseg.plugin.measure.signal_form import SignalForm
from napari_amseg.plugin.measure.small_plots import CurvePlot, HistogramPlot
from napari_amseg.plugin.measure.statistics import (
    STATISTICS_HELP,
    range_words,
    stack_words,
    statistics_html,
)
from napari_amseg.plugin.theme import Palette
from napari_amseg.report.time_unit import length_unit, time_unit

_HEIGHT_PX = 172
_NOTHING = "Nothing is measured yet."


class DetailsPanel(QTabWidget):
    """Four pages; `wanted` fires when another page or another signal is to be shown."""

    wanted = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._last: tuple[Details, Results, Compared | None] | None = None
        self.numbers, self.words = Lines(), Lines()
        self.numbers.setTextFormat(Qt.TextFormat.RichText)
        self.numbers.setToolTip(STATISTICS_HELP)
        self.histogram = HistogramPlot(palette)
        self.spectrum, self.lags = CurvePlot(palette, logarithmic=True), CurvePlot(palette)
        self.signal = SignalForm()
        self.signal.changed.connect(self.wanted)
        self.addTab(_page(self.numbers, self.words), "Numbers")
        self.addTab(self.histogram, "Histogram")
        self.addTab(self.spectrum, "Spectrum")
        signal_page = QWidget()
        layout = QVBoxLayout(signal_page)
        layout.setContentsMargins(4, 4, 4, 0)
        layout.addWidget(self.signal)
        layout.addWidget(self.lags, 1)
        self.addTab(signal_page, "Signal")
        self.setMinimumHeight(_HEIGHT_PX)
        self.currentChanged.connect(lambda _: self.wanted.emit())

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """No more than it needs."""
        return QSize(self.minimumWidth(), _HEIGHT_PX)

    @property
    def page(self) -> str:
        """The name of the page in view."""
        return self.tabText(self.currentIndex())

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of a theme."""
        self._palette = palette
        for plot in (self.histogram, self.spectrum, self.lags):
            plot.set_palette(palette)
        if self._last is not None:
            self.show_details(*self._last)

    def show_nothing(self) -> None:
        """There is no stack to tell of."""
        self._last = None
        self.numbers.setText("")
        self.words.setText(_NOTHING)
        for plot in (self.histogram, self.spectrum, self.lags):
            plot.empty(_NOTHING)

    def show_details(self, details: Details, results: Results, compared: Compared | None) -> None:
        """Show what was computed."""
        self._last = details, results, compared
        self._show_numbers(details, results, compared)
        color = color_of(details.quantity, self._palette)
        if self.page == "Histogram":
            self._show_histogram(details, results, compared, color)
        if details.spectrum is not None:
            self._show_spectrum(details, results, color)
        if details.correlation is not None:
            self._show_lags(details, results, color)

    def _show_numbers(self, details: Details, results: Results, compared: Compared | None) -> None:
        unit = time_unit(results.experiment.frame_rate_hz, results.n_frames)
        words = [range_words(details.shown, unit)]
        if details.compared is not None:
            words.append(f"┄ {stack_words(details.compared)}")
        self.words.setText("\n".join(words))
        other = None if compared is None else compared.results.in_um
        self.numbers.setText(statistics_html(details, in_um=results.in_um, compared_in_um=other))

    def _show_histogram(
        self, details: Details, results: Results, compared: Compared | None, color: str
    ) -> None:
        quantity, other = details.quantity, None
        if details.compared is not None and compared is not None and compared.fits(quantity):
            other = details.compared.values
        label, unit = quantity.label(in_um=results.in_um), quantity.unit_of(in_um=results.in_um)
        means = details.shown.mean, details.compared.mean if details.compared else None
        self.histogram.show_values(details.shown.values, other, means, label, unit, color)

    def _show_spectrum(self, details: Details, results: Results, color: str) -> None:
        found, q = details.spectrum, details.quantity
        if found is None or isinstance(found, str):
            self.spectrum.empty(found or "")
            return
        factor, unit = frequency_scale(found.frequency_unit, found.nyquist)
        of = q.unit_of(in_um=results.in_um)
        peak = found.peaks[0].frequency * factor if found.peaks else None
        x = found.frequency[1:] * factor
        self.spectrum.show_curve(
            x,
            found.density[1:],
            f"frequency ({unit})",
            color,
            mark=peak,
            below=found.background[1:],
        )
        said = "no peak stands out" if peak is None else f"main peak at {peak:.4g} {unit}"
        self.spectrum.say(said + (", may be aliased" if found.may_be_aliased else ""))
        density = f"({of})²/{found.frequency_unit}" if of else f"1/{found.frequency_unit}"
        notes = f"Power spectral density in {density}; faint: without peaks.", *found.notes
        self.spectrum.setToolTip("\n".join(notes))

    def _show_lags(self, details: Details, results: Results, color: str) -> None:
        found = details.correlation
        if found is None or isinstance(found, str):
            self.lags.empty(found or "")
            return
        unit, factor = length_unit(float(found.lag_s[-1] - found.lag_s[0]))
        best = found.best_lag_s * factor
        self.lags.show_curve(found.lag_s * factor, found.coefficient, "", color, mark=best)
        self.lags.say(
            f"r against lag in {unit}: best lag {best:.4g} {unit}, r = {found.best_coefficient:.3f}"
        )


def _page(*widgets: QWidget) -> QScrollArea:
    inside = QWidget()
    layout = QVBoxLayout(inside)
    layout.setContentsMargins(4, 4, 4, 4)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch(1)
    area = QScrollArea()
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    return area
