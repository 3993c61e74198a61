"""napari's tools for a labels layer, at hand beside the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.plugin.annotate import keys
from napari_amseg.plugin.forms import TidyForm

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels

_BIGGEST_BRUSH_PX = 100
_NUMBER_WIDTH_PX = 50
_EVENTS = ("mode", "brush_size", "preserve_labels", "opacity", "contour", "visible")
_TOOLS = {  # mode of the layer: what it is called, what it does
    "pan_zoom": ("Move", "Drag to move the view. With any other tool, hold Space meanwhile."),
    "paint": ("Brush", "Paint. With the right button go around a region: it is filled."),
    "fill": ("Fill", "Give a connected region of one class another class."),
    "polygon": ("Polygon", "Click corner after corner; a double click closes and fills."),
    "erase": ("Eraser", "Make pixels unlabelled."),
}


class Tools(QWidget):
    """Mode, brush and look of a labels layer; what is changed elsewhere shows here too."""

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: Labels | None = None
        self._mode_before = "paint"
        self._build()
        self._give_tips()
        self._connect()

    def _build(self) -> None:
        self.modes = {mode: QPushButton(text) for mode, (text, _) in _TOOLS.items()}
        self._group = QButtonGroup(self)
        tools = QHBoxLayout()
        tools.setSpacing(2)
        for button in self.modes.values():
            button.setCheckable(True)
            self._group.addButton(button)
            tools.addWidget(button, 1)
        # Not a field to type in: while such a one has the focus, no key chooses a class.
        self.brush, self.brush_px = QSlider(Qt.Orientation.Horizontal), QLabel()
        self.brush.setRange(1, _BIGGEST_BRUSH_PX)
        self.brush_px.setFixedWidth(_NUMBER_WIDTH_PX)
        self.brush_px.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.only_unlabelled = QCheckBox("only unlabelled pixels")
        self.shown, self.outlines = QCheckBox("shown"), QCheckBox("as outlines")
        fields = QWidget()
        form = TidyForm(fields)
        form.add("brush size", _beside(self.brush, self.brush_px))
        form.add("paint", self.only_unlabelled)
        form.add("labels", _beside(self.shown, self.outlines))
        form.add("opacity", self.opacity)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(tools)
        layout.addWidget(fields)

    def _give_tips(self) -> None:
        for mode, (_, tip) in _TOOLS.items():
            action = f"activate_labels_{mode}_mode"
            self.modes[mode].setToolTip(keys.with_keys(tip, keys.napari_keys(action)))
        sizes = keys.napari_keys("decrease_brush_size") + keys.napari_keys("increase_brush_size")
        tip = keys.with_keys("Diameter of brush and eraser.", sizes)
        self.brush.setToolTip(tip)
        self.brush_px.setToolTip(tip)
        self.only_unlabelled.setToolTip(
            keys.with_keys(
                "Brush, fill and polygon leave pixels that have a class as they are; the eraser "
                "takes\naway the chosen class only. napari calls it preserve labels.",
                keys.napari_keys("toggle_preserve_labels"),
            )
        )
        self.shown.setToolTip(keys.with_keys("Compare with the bare frame.", keys.SHOW_LABELS))
        self.outlines.setToolTip(
            keys.with_keys("Only the borders of the regions, so that edges show.", keys.OUTLINE)
        )
        self.opacity.setToolTip("How much the labels cover the frame.")

    def _connect(self) -> None:
        for mode, button in self.modes.items():
            button.clicked.connect(lambda _=False, mode=mode: self.take(mode))
        self.brush.valueChanged.connect(lambda size: self._set("brush_size", size))
        self.opacity.valueChanged.connect(lambda percent: self._set("opacity", percent / 100))
        self.only_unlabelled.clicked.connect(lambda on: self._set("preserve_labels", on))
        self.outlines.clicked.connect(lambda on: self._set("contour", int(on)))
        self.shown.clicked.connect(self.show_labels)

    def set_layer(self, layer: Labels | None) -> None:
        """Work on another layer, or on none."""
        if self._layer is not None:
            for name in _EVENTS:
                getattr(self._layer.events, name).disconnect(self._follow)
        self._layer = layer
        if layer is not None:
            for name in _EVENTS:
                getattr(layer.events, name).connect(self._follow)
        self._follow()

    def take(self, mode: str) -> None:
        """Use a tool on the layer, which is chosen in the layer list and shown if it was not."""
        if self._layer is not None:
            self._viewer.layers.selection.active = self._layer
            self._layer.visible = True
            self._layer.mode = mode
        self._follow()

    def show_labels(self, shown: bool) -> None:
        """Show or hide the labels; napari drops the tool of a hidden layer, we keep it."""
        layer = self._layer
        if layer is None or layer.visible == shown:
            return
        if shown:
            layer.visible = True
            layer.mode = self._mode_before
        else:
            self._mode_before = str(layer.mode)
            layer.visible = False

    def _set(self, name: str, value: float) -> None:
        if self._layer is not None:
            setattr(self._layer, name, value)

    def _follow(self, event: object = None) -> None:
        """Show what the layer is set to."""
        layer = self._layer
        if layer is None:
            return
        mode = str(layer.mode)
        self._group.setExclusive(False)  # the picker is not among them: none is down then
        for name, button in self.modes.items():
            button.setChecked(name == mode)
        self._group.setExclusive(True)
        for field, value in (
            (self.brush, layer.brush_size),
            (self.opacity, round(100 * layer.opacity)),
        ):
            with QSignalBlocker(field):
                field.setValue(int(value))
        self.brush_px.setText(f"{layer.brush_size:g} px")
        self.only_unlabelled.setChecked(bool(layer.preserve_labels))
        self.outlines.setChecked(layer.contour > 0)
        self.shown.setChecked(layer.visible)


def _beside(one: QWidget, other: QWidget) -> QWidget:
    both = QWidget()
    row = QHBoxLayout(both)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(one, 1)
    row.addWidget(other)
    return both
