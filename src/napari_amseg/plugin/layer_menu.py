"""What napari's menus for layers offer: our widgets, with the selected layer chosen.

napari lets plugins add to the submenus of *Layers*, not to the context menu of the layer list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_amseg.plugin.layers import is_image, is_labels

if TYPE_CHECKING:
    from napari.layers import Layer


def segment_layer() -> None:
    """Open *Segment* for the selected stack."""
    _open("Segment", lambda widget: widget.image, is_image, "an image stack")


def measure_layer() -> None:
    """Open *Measure* for the selected labels."""
    _open("Measure", lambda widget: widget.page.labels, is_labels, "a labels layer")


def explain_layer() -> None:
    """Open *Grad-CAM* for the selected stack."""
    _open("Grad-CAM", lambda widget: widget.image, is_image, "an image stack")


def correct_layer() -> None:
    """Open *Preprocess* for the selected stack, its flat field switched on."""
    from napari_amseg.preprocess import FlatField

    widget = _open("Preprocess", lambda widget: widget.image, is_image, "an image stack")
    if widget is not None:
        widget.form.groups[FlatField].setChecked(True)


def _open(
    name: str, choice: Callable[[Any], Any], accept: Callable[[Layer], bool], wanted: str
) -> Any:
    """Show a widget and choose the selected layer in it; None without a viewer.

    choice : gives the widget's choice of layers. accept, wanted : the layers it takes, in words.
    """
    import napari
    from napari.utils.notifications import show_warning

    viewer = napari.current_viewer()
    if viewer is None:
        return None
    _, widget = viewer.window.add_plugin_dock_widget("napari-amseg", name)
    selected = viewer.layers.selection.active
    if selected is not None and accept(selected):
        choice(widget).choose(selected)
    else:
        show_warning(f"{name} works on {wanted}: select one in the list of layers, or choose it "
                     "in the panel that opened.")  # fmt: skip
    return widget
