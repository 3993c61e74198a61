"""The command of the *Laser frame* widget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_amseg.pipeline.laser_frame import LaserRequest, parse_rows
from napari_amseg.plugin.command.plan import MakePlan
from napari_amseg.plugin.command.results import NO_STACK
from napari_amseg.plugin.command.views import laser_plan
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.layers import image_source

if TYPE_CHECKING:
    from napari_amseg.plugin.laser.widget import LaserFrame


def laser_command(widget: LaserFrame) -> MakePlan:
    """``amseg laser`` with what the widget shows; a line is given only if it was moved by hand."""
    image = widget.image.layer()
    if image is None:
        raise ValueError(NO_STACK)
    source, line, text = image_source(image), widget.editor.line, widget.rows.text().strip()
    request = LaserRequest(
        replace(source.stack, experiment=widget.known()),
        Path(),
        safe_stem(image.name),
        rows=parse_rows(text) if text else None,
        line=line if line is not None and line.method == "given" else None,
        window=widget.window_form.value(),
        chain=source.chain,
    )
    return laser_plan(request, widget.chosen_labels())
