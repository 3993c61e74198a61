"""How the *Measure* widget is laid out; what it does is in `measure`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.measure import MeasureSettings
from napari_amseg.measure.quantities import QUANTITIES
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.command.results import measure_plan
from napari_amseg.plugin.experiment_form import ExperimentForm
from napari_amseg.plugin.fields import DropDown, Lines
from napari_amseg.plugin.fold import Fold
from napari_amseg.plugin.forms import WIDGET_WIDTH_PX, SettingsForm, TidyForm
from napari_amseg.plugin.layers import is_labels
from napari_amseg.plugin.measure.details_panel import DetailsPanel
from napari_amseg.plugin.measure.export import Display, ExportRow
from napari_amseg.plugin.measure.plots import SeriesPlots
from napari_amseg.plugin.measure.range_row import RangeRow
from napari_amseg.plugin.page import Page
from napari_amseg.plugin.theme import Palette, palette
from napari_amseg.settings import options

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_PLOTS_HEIGHT_PX = 220
_NOTHING = "Choose labels and press Measure: area, depth and pores over time appear here."
_WIDE_PX = 760  # from here on, the details stand beside the series
_DETAILS_SHARE = 0.4  # of a wide dock
_WIDTH_PX = 400


class MeasurePage(Page):
    """The parts of the widget. display : gives what is shown, for the exports."""

    def __init__(self, viewer: napari.Viewer, display: Callable[[], Display | str]) -> None:
        super().__init__()
        colors = palette(viewer)
        self._build_choices(viewer)
        self.measure_button = QPushButton("Measure")
        self.exports = ExportRow(viewer, display)
        self.command = CommandButton(lambda: measure_plan(display()))
        self.progress = QProgressBar()
        self.progress.setVisible(False)
        self.remark, self.readout = Lines(), QLabel(" ")
        self.remark.setVisible(False)
        self.range, self.plots = RangeRow(), SeriesPlots(colors, _NOTHING)
        self.plots.setMinimumHeight(_PLOTS_HEIGHT_PX)
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.readout.setToolTip("What lies under the mouse.")
        self.quantity = DropDown()
        self.quantity.setToolTip("The quantity of histogram, spectrum and correlation.")
        for stem, quantity in QUANTITIES.items():
            self.quantity.addItem(quantity.title, stem)
        self.details = DetailsPanel(colors)
        self._lay_out()

    def _build_choices(self, viewer: napari.Viewer) -> None:
        self.labels = LayerChoice(viewer, is_labels, nothing="segment or open labels first")
        self.labels.setToolTip(
            "Any labels layer: 1 keyhole, 2 pore, 3 substrate, 4 background, 5 powder."
        )
        self.compare = LayerChoice(
            viewer, self._is_other, follow=False, nothing="nothing", optional=True
        )
        self.compare.setToolTip(
            "Another labels layer, drawn dashed in the same plots; it is measured if it was not."
        )
        self.experiment = ExperimentForm(more=False)
        own = [o.name for o in options(MeasureSettings) if o.name != "laser_on_frames"]
        self.settings = SettingsForm(MeasureSettings, names=own)

    def _is_other(self, layer: Layer) -> bool:
        return is_labels(layer) and layer is not self.labels.layer()

    def _lay_out(self) -> None:
        inside, top, series, details = QWidget(), QWidget(), QWidget(), QWidget()
        form = TidyForm(top)
        form.add("labels", self.labels)
        form.add("compare with", self.compare)
        below = _column(series)
        below.addWidget(self.range)
        below.addWidget(self.plots, 1)
        below.addWidget(self.readout)
        beside = _column(details)
        row = QHBoxLayout()
        row.addWidget(QLabel("details of"))
        row.addWidget(self.quantity, 1)
        beside.addLayout(row)
        beside.addWidget(self.details, 1)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        for part in (series, details):
            self.splitter.addWidget(part)
        self.splitter.setStretchFactor(0, 1)
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(5)
        layout.addWidget(top)
        layout.addWidget(self.experiment)
        layout.addWidget(Fold("Options", self.settings, beside=self.measure_button))
        layout.addWidget(self.progress)
        layout.addWidget(self.remark)
        layout.addWidget(self.splitter, 1)
        inside.setMinimumWidth(WIDGET_WIDTH_PX)
        self.setWidget(inside)
        self.viewport().installEventFilter(self)

    def fill(self, widget: QWidget) -> None:
        """Let the page fill a widget; what one does with the results stays in view below it."""
        layout, below = QVBoxLayout(widget), QWidget()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self)
        layout.addWidget(below)
        rows = QVBoxLayout(below)
        rows.setContentsMargins(6, 2, 6, 4)
        rows.setSpacing(3)
        rows.addWidget(self.exports)
        rows.addWidget(self.command, 0, Qt.AlignmentFlag.AlignRight)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """High enough for the plots; napari gives the docks above a new one no more than this."""
        return QSize(super().minimumSizeHint().width(), _PLOTS_HEIGHT_PX)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As high as its parts need, and no wider than the other widgets."""
        size = super().sizeHint()
        return QSize(max(_WIDTH_PX, size.width()), size.height())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """A wide dock has the details beside the series, a narrow one below."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._turn(wide=self.viewport().width() >= _WIDE_PX)
        return super().eventFilter(watched, event)

    def _turn(self, *, wide: bool) -> None:
        wanted = Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical
        if self.splitter.orientation() != wanted:
            self.splitter.setOrientation(wanted)
            total = self.viewport().width() if wide else self.viewport().height()
            details = round(_DETAILS_SHARE * total) if wide else self.details.minimumHeight()
            self.splitter.setSizes([total - details, details])

    def set_palette(self, colors: Palette) -> None:
        """Take on the colours of a theme."""
        self.plots.set_palette(colors)
        self.details.set_palette(colors)

    def show_remark(self, text: str) -> None:
        """Say what a user must know about the numbers; nothing takes no room."""
        self.remark.setText(text)
        self.remark.setVisible(bool(text))


def _column(widget: QWidget) -> QVBoxLayout:
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(3)
    return layout
