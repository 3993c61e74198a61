"""The *Annotate* widget and its dialogs as people see them, for ``look_at_widgets.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from look_desk import Desk, Look, unfold, wait, wait_until

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.save_records import Conflict
from napari_amseg.dataset.annotation_status import FrameStatus
from napari_amseg.plugin.annotate.saving.conflicts import ConflictsDialog


def annotate(desk: Desk) -> Iterator[Look]:
    widget = desk.open("Annotate")
    widget.form.image.choose(desk.image)
    yield "annotate-start", widget
    wait_until(widget.form.button.isEnabled)
    widget.start()
    wait_until(lambda: widget.session is not None)
    layer = widget.session.layer
    for frame in range(6):
        half = np.s_[frame, : desk.truth.data.shape[1] // (1 + frame % 2)]
        layer.data[half] = desk.truth.data[half]
    layer.refresh()
    widget.session.history.look()
    mark(widget)
    for index in range(widget.tabs.count()):
        widget.tabs.setCurrentIndex(index)
        wait(0.4)
        yield f"annotate-{widget.tabs.tabText(index).lower()}", widget
        if unfold(widget.tabs.currentWidget()):
            yield f"annotate-{widget.tabs.tabText(index).lower()}-unfolded", widget
    yield from annotate_dialogs(desk, widget)
    widget.guard.stop()  # it would ask before the window closes
    desk.viewer.layers.remove(layer)


def mark(widget: Any) -> None:
    """Frames of every status, so that the strip and its legend show them all."""
    session = widget.session
    session.set_status([0, 1], Status.COMPLETE)
    session.set_status([2, 3], Status.IN_PROGRESS)
    session.set_status([4, 5], Status.SUGGESTED)


def annotate_dialogs(desk: Desk, widget: Any) -> Iterator[Look]:
    save = widget.save
    save.place.folder.set_path(desk.folder / "bench")
    save.place.name.setText("run7")
    save.save()
    wait_until(lambda: not save.is_running)
    yield "annotate-saved", widget
    for name, opened in (
        ("versions", save.files.open_backups),
        ("compare", save.files.open_compare),
        ("import", save.files.open_import),
    ):
        opened()
        wait(0.5)
        dialog = save.files.dialog
        if name == "compare":
            dialog.layers.choose(desk.truth)
            dialog.run_button.click()
            wait_until(lambda: dialog.found is not None)  # noqa: B023
        yield f"dialog-{name}", dialog
        save.files.close_dialog()
        wait(0.2)
    dialog = ConflictsDialog(widget, [conflict(3), conflict(4)], "run7-ann")
    dialog.show()
    wait(0.3)
    yield "dialog-conflicts", dialog
    dialog.close()
    widget.paint.show_guide()
    wait(0.5)
    yield "dialog-guide", widget.paint._guide
    widget.paint._guide.close()


def conflict(frame: int) -> Conflict:
    row = FrameStatus(f"{frame:05d}", "complete", "Ben", "2026-03-01T09:30:00+00:00")
    return Conflict(frame, f"{frame:05d}", "0" * 64, row)
