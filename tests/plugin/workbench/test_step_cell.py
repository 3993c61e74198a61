"""Words that do not fit below a step end in an ellipsis, wherever the line breaks."""

from __future__ import annotations

import pytest

from napari_amseg.plugin.theme import Palette
from napari_amseg.plugin.workbench.state import Mark, StepState
from napari_amseg.plugin.workbench.step_cell import StepCell

WORDS = "ti64_plate: 10 frames, pixel size unknown, frame rate unknown"


@pytest.mark.parametrize("width", range(120, 340, 15))
def test_what_is_left_out_is_marked(qtbot, viewer, width):
    from napari_amseg.plugin.theme import palette

    colors: Palette = palette(viewer)
    cell = StepCell("Load", 1)
    qtbot.addWidget(cell)
    cell.turn(wide=True)
    cell.show_state(StepState(WORDS, done=True), Mark.DONE, colors)
    cell.resize(width, 100)
    cell.show()
    label = cell.text
    lines = label.text().split("\n")
    metrics = label.fontMetrics()
    assert len(lines) <= 2
    assert all(metrics.horizontalAdvance(line) <= label.width() for line in lines)
    shown = " ".join(lines)
    assert shown == WORDS or shown.endswith("…")
    assert WORDS.startswith(shown.removesuffix("…").rstrip())
    assert label.toolTip() == WORDS
