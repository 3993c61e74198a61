"""The commands in napari's menus for layers: each opens its widget with the selected layer."""

from __future__ import annotations

import numpy as np
import pytest
from napari._app_model import get_app_model
from napari._app_model.constants import MenuId

from napari_amseg.preprocess import FlatField

IMAGE_COMMANDS = {
    "segment_layer": ("Segment", MenuId.LAYERS_SEGMENT),
    "explain_layer": ("Grad-CAM", MenuId.LAYERS_VISUALIZE),
    "correct_layer": ("Preprocess", MenuId.LAYERS_FILTER),
}


def run(command: str) -> None:
    get_app_model().commands.execute_command(f"napari-amseg.{command}").result()


def opened(viewer, name: str):
    return viewer.window.add_plugin_dock_widget("napari-amseg", name)[1]


@pytest.fixture
def layers(viewer, frames, labels):
    """Two stacks and two label layers."""
    masks = np.repeat(labels[np.newaxis], len(frames), axis=0)
    for name in ("first", "second"):
        viewer.add_image(np.array(frames), name=name)
        viewer.add_labels(masks, name=f"{name} labels")
    return viewer.layers


@pytest.mark.parametrize("command", IMAGE_COMMANDS)
def test_a_command_opens_its_widget_with_the_selected_stack(viewer, layers, command):
    layers.selection.active = layers["first"]
    run(command)
    widget = opened(viewer, IMAGE_COMMANDS[command][0])
    assert widget.image.layer() is layers["first"]
    layers.selection.active = layers["second"]
    run(command)  # the same widget, another layer
    assert widget.image.layer() is layers["second"]
    if command == "correct_layer":
        assert widget.form.groups[FlatField].isChecked()


def test_measure_takes_the_selected_labels_and_refuses_a_stack(viewer, layers, notifications):
    layers.selection.active = layers["first labels"]
    run("measure_layer")
    widget = opened(viewer, "Measure")
    assert widget.page.labels.layer() is layers["first labels"]
    layers.selection.active = layers["second"]
    run("measure_layer")
    assert widget.page.labels.layer() is layers["first labels"]
    assert "Measure works on a labels layer: select one" in notifications()[-1]


def test_the_commands_are_in_the_menus_of_layers(viewer):
    menus = get_app_model().menus
    for command, (_, menu) in {
        **IMAGE_COMMANDS,
        "measure_layer": ("Measure", MenuId.LAYERS_MEASURE),
    }.items():
        listed = [item.command.id for item in menus.get_menu(menu) if hasattr(item, "command")]
        assert f"napari-amseg.{command}" in listed
