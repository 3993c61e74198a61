"""The *Watch folder* widget: stacks measured as the camera writes them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_amseg.measure.quantities import MAIN_QUANTITIES
from napari_amseg.pipeline.jobs import WatchJob
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.plugin.command.button import CommandButton
from napari_amseg.plugin.command.folders import watch_plan
from napari_amseg.plugin.command.plan import MakePlan
from napari_amseg.plugin.fields import Lines
from napari_amseg.plugin.layers import crop_offset_px
from napari_amseg.plugin.page import fill
from napari_amseg.plugin.tasks import explain
from napari_amseg.plugin.theme import palette
from napari_amseg.plugin.watch.form import WatchForm
from napari_amseg.plugin.watch.newest import NewestFrame
from napari_amseg.plugin.watch.run import WatchRun
from napari_amseg.plugin.watch.stacks import StackList

if TYPE_CHECKING:
    import napari

_REFRESH_MS = 150
_PLOTS_HEIGHT_PX = 200
_NOTHING = "Choose a folder and press Watch: depth and area appear here, frame by frame."
_PLOTTED = ("keyhole_depth", "keyhole_area")


class WatchFolder(QWidget):
    """Watch a folder in a compute process of its own, so that *Segment* and *Train* stay free."""

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        self.run: WatchRun | None = None
        self._newest: NewestFrame | None = None
        self._process = ComputeProcess()
        self._closed = False
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._tick)
        self.form.changed.connect(self._enable)
        self.start_button.clicked.connect(self.start)
        self.stop_button.clicked.connect(self.stop)
        napari_viewer.events.theme.connect(self._on_theme)
        self.destroyed.connect(lambda *_: self._close())
        self._enable()

    def _build(self) -> None:
        from napari_amseg.plugin.measure.plots import SeriesPlots

        self.form = WatchForm()
        self.start_button, self.stop_button = QPushButton("Watch"), QPushButton("Stop")
        self.about, self.status, self.remark = Lines(), Lines(least_lines=2), Lines()
        for note in (self.about, self.remark):
            note.setVisible(False)
        self.plots = SeriesPlots(palette(self._viewer), _NOTHING)
        self.plots.show_quantities([q for q in MAIN_QUANTITIES if q.stem in _PLOTTED])
        self.plots.setMinimumHeight(_PLOTS_HEIGHT_PX)
        self.stacks = StackList(self._viewer)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button, 2)
        buttons.addWidget(self.stop_button, 1)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.addWidget(self.form)
        layout.addWidget(self.about)
        layout.addLayout(buttons)
        for part in (self.status, self.remark):
            layout.addWidget(part)
        layout.addWidget(self.plots, 2)
        layout.addWidget(self.stacks, 1)
        self.command = CommandButton(self._command)
        fill(self, inside, self.command)

    def _command(self) -> MakePlan:
        if why_not := self.form.why_not():
            raise ValueError(why_not)
        return watch_plan(self.form.request(), self.form.bundle())

    @property
    def is_running(self) -> bool:
        """Whether a folder is watched."""
        return self.run is not None and not self.run.ended

    def _enable(self) -> None:
        """Buttons that cannot be pressed say why."""
        why_not = "Running; stop it first." if self.is_running else self.form.why_not()
        self.start_button.setEnabled(not why_not)
        self.start_button.setToolTip(why_not or "Measure the stacks that are there and that come.")
        self.form.setVisible(not self.is_running)  # its room is for the plots meanwhile
        self.about.setVisible(self.is_running)
        stopping = self.run is not None and self.run.cancel.is_set()
        self.stop_button.setEnabled(self.is_running and not stopping)
        tip = "Stop; stacks that are done keep their results, the others are done the next time."
        self.stop_button.setToolTip(tip if self.is_running else "Nothing runs.")

    def start(self) -> None:
        """Watch the folder of the form."""
        if self.is_running or self.form.why_not():
            return
        try:
            request, bundle = self.form.request(), self.form.bundle()
        except (ValueError, OSError) as error:
            explain(error)
            return
        offset_px = crop_offset_px(request.chain)
        self._newest = NewestFrame(self._viewer, bundle.card.scheme, offset_px)
        self.stacks.clear()
        self.stacks.out = request.out
        self.about.setText(
            f"watching {request.folder}\nresults in {request.out}\nmodel {bundle.name}"
        )
        self.remark.setVisible(False)
        self.run = WatchRun(WatchJob(request, str(bundle.folder)), self._process)
        self.run.start()
        self._timer.start()
        self._enable()
        self._tick()

    def stop(self) -> None:
        """Stop watching; the stack at hand is dropped."""
        if self.run is not None and self.is_running:
            self.run.cancel.set()
            self._enable()
            self.status.setText("stopping…")

    def _tick(self) -> None:
        run = self.run
        if run is None:
            return
        if run.ended or not run.cancel.is_set():
            self.status.setText(run.text(time.monotonic()))
        picture = run.take_picture()
        if picture is not None and self._newest is not None:
            self._newest.show(picture)
        if run.fresh:
            run.fresh = False
            self._draw(run)
        if run.ended:
            self._timer.stop()
            self._enable()
            if run.error:
                explain(ValueError(run.error))

    def _draw(self, run: WatchRun) -> None:
        self.status.setToolTip(run.device)
        self.remark.setText(run.remark)
        self.remark.setVisible(bool(run.remark))
        self.stacks.show_stacks(run.stacks)
        if run.results is not None and run.newest is not None:
            self.plots.show_results(run.results)
            self.plots.mark_frame(run.newest.frame)

    def _on_theme(self, event: object = None) -> None:
        self.plots.set_palette(palette(self._viewer))

    def event(self, event: QEvent | None) -> bool:
        """A closed panel: napari takes its widget out of the dock, but may keep it."""
        changed = event is not None and event.type() == QEvent.Type.ParentChange
        if changed and self.parent() is None:
            self._close()
        return super().event(event)

    def _close(self) -> None:
        """The widget closes: nothing goes on behind it."""
        if self._closed:
            return
        self._closed = True
        self._timer.stop()
        if self.run is not None:
            self.run.cancel.set()
        self.stacks.stop()
        self._viewer.events.theme.disconnect(self._on_theme)
