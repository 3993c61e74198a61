"""Saves and opens workspaces: the work in a thread, layers and forms in the GUI thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from qtpy.QtCore import QEventLoop, QObject, Signal
from qtpy.QtWidgets import QApplication, QWidget

from napari_amseg.io.system_errors import error_words
from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.annotate.writing import Writing
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.form_records.forms import fill_form
from napari_amseg.plugin.layers import show_frame
from napari_amseg.plugin.tasks import CancelledEarlyError, explain, follow
from napari_amseg.plugin.workbench.collect import Gathered, gather, has_frames
from napari_amseg.plugin.workbench.docks import STEPS, Docks
from napari_amseg.plugin.workbench.folder import Held
from napari_amseg.plugin.workbench.opening import Opened, open_workspace
from napari_amseg.plugin.workbench.progress import Step
from napari_amseg.plugin.workbench.saving import Saved, save_workspace
from napari_amseg.provenance import sha256
from napari_amseg.words import counted

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

_LOOK_S = 0.03


@dataclass(frozen=True)
class _Problem:
    error: Exception


class WorkspaceDesk(QObject):
    """One workspace of a viewer at a time.

    changed : something began or ended, or another workspace is open.
    """

    changed = Signal()

    def __init__(self, viewer: napari.Viewer, docks: Docks) -> None:
        super().__init__()
        self._viewer, self._docks = viewer, docks
        self.path: Path | None = None
        self.doing = ""
        self._known: WeakKeyDictionary[Layer, Held] = WeakKeyDictionary()
        self._own: dict[Path, str] = {}
        self._cancel = threading.Event()
        self._activity = Activity()
        self._worker: Any = None
        self._gathered: Gathered | None = None
        self._step = Step(0, 1)
        self._failed = False
        self._stopped = False

    @property
    def busy(self) -> bool:
        """Whether a workspace is being written or read."""
        return bool(self.doing)

    def is_open(self, path: Path) -> bool:
        """Whether a file is the workspace that is open, as this session opened or wrote it."""
        try:
            return self.path == path and self._own.get(path) == sha256(path)
        except OSError:
            return False

    def save(self, path: Path, *, may_replace: bool = False) -> None:
        """Write the viewer as it is to a workspace file; its ending is added.

        may_replace : another workspace of that name, too.
        """
        if self.busy:
            return
        try:
            gathered = gather(
                self._viewer,
                self._docks,
                path,
                known=self._known,
                own=self._own,
                may_replace=may_replace,
            )
        except ValueError as error:
            explain(error)
            return
        self._cancel, self._gathered = gathered.job.cancel, gathered
        self._run("saving", partial(save_workspace, gathered.job))

    def open(self, path: Path) -> None:
        """Add what a workspace holds to the viewer; layers that are there stay."""
        if self.busy:
            return
        self._cancel = cancel_event()
        self._run("opening", partial(open_workspace, path, self._cancel))

    def cancel(self) -> None:
        """Stop: nothing is written, nothing is added."""
        self._cancel.set()

    def finish(self, parent: QWidget | None) -> bool:
        """Wait for a save, behind a window on `parent`; whether the workspace is on the disk, if
        one was being saved.
        """
        if self.doing != "saving":
            return True
        with Writing(parent, "Workspace", "Saving the workspace…") as waiting:
            while self.busy:
                waiting(self._step.total - self._step.done)
                time.sleep(_LOOK_S)
                QApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        return not self._failed

    def stop(self, parent: QWidget | None = None) -> None:
        """The Workbench closes: a save is finished, and nothing comes of an opening.

        parent : what is still there of the window.
        """
        self._stopped = True
        self.finish(parent)
        self.cancel()
        self._activity.end()

    def _run(self, doing: str, work: Callable[[], Generator[Any]]) -> None:
        once = [work]  # the worker lives on, and with it what this function refers to

        def guarded() -> Generator[Any]:
            try:
                yield from once.pop()()
            except CancelledEarlyError:
                return
            except Exception as error:  # a worker would swallow some
                yield _Problem(error)

        self.doing, self._step, self._failed = doing, Step(0, 1), False
        self._activity.begin(f"{doing} workspace")
        self.changed.emit()
        self._worker = follow(guarded, take=self._take, ended=self._on_end)

    def _take(self, came: Any) -> None:
        if isinstance(came, _Problem):
            self._failed = True
            if self.doing == "saving" or not self._stopped:
                explain(came.error)
        elif isinstance(came, Saved) and self._gathered is not None:
            self._on_saved(came, self._gathered)
        elif self._stopped:
            return
        elif isinstance(came, Step):
            self._step = came
            self._activity.show(came.done, came.total)
        elif isinstance(came, Opened):
            self._on_opened(came)

    def _on_saved(self, saved: Saved, gathered: Gathered) -> None:
        from napari.utils.notifications import show_info

        self.path = saved.path
        for layer, file in zip(gathered.layers, saved.files, strict=True):
            if file is not None:
                self._known[layer] = file
        self._own |= saved.written
        n = len(saved.workspace.layers)
        text = f"Saved {saved.path.name}: {counted(n, 'layer')}."
        show_info("\n".join((text, *gathered.remarks)))
        if saved.left_out:
            explain(ValueError("\n".join((f"{saved.path.name} lacks:", *saved.left_out))))

    def _on_opened(self, opened: Opened) -> None:
        from napari.utils.notifications import show_info

        problems = list(opened.problems)
        layers = self._add_layers(opened, problems)
        several = [layer for layer in layers.values() if has_frames(layer)]
        if several:
            show_frame(self._viewer, several[0], opened.workspace.frame)
        self._open_docks(opened, layers, problems)
        self.path = opened.path
        self._own |= opened.own
        n = len(layers)
        text = f"Opened {opened.path.name}: {counted(n, 'layer')}."
        ended = [item.data[1]["name"] for item in opened.layers if item.is_annotation]
        if ended:
            text += f"\n{', '.join(ended)}: as it was, to be looked at; Annotate goes on with it."
        show_info(text)
        if problems:
            explain(ValueError("\n".join((f"{opened.path.name} opened, but not all:", *problems))))

    def _add_layers(self, opened: Opened, problems: list[str]) -> dict[str, Layer]:
        """The layers of the workspace in the viewer, by the names they had in it."""
        from napari.layers import Layer

        added = {}
        for item in opened.layers:
            name = item.data[1]["name"]
            try:
                layer = Layer.create(*item.data)  # what add_layer gives is a proxy
                self._viewer.add_layer(layer)
            except Exception as error:  # whatever napari cannot do with what a file says
                problems.append(f"Layer {name}: {error_words(error)}")
                continue
            layer.editable = layer.editable and not item.is_annotation
            added[name] = layer
            if item.held is not None:
                self._known[layer] = item.held
        return added

    def _open_docks(self, opened: Opened, layers: dict[str, Layer], problems: list[str]) -> None:
        workspace = opened.workspace
        for step in workspace.docks:
            if step not in STEPS:
                problems.append(f"Step {step}: this version has none.")
                continue
            try:
                widget = self._docks.open(step)
                if step == "Segment" and opened.model is not None:
                    widget.model.choose(opened.model.folder)
                fill_form(step, widget, workspace.forms, layers)
            except (ValueError, OSError) as error:
                problems.append(f"{step}: {error}")
        for step, why in workspace.forms.incomplete.items():
            problems.append(f"{step}: its form was not complete when it was saved ({why})")

    def _on_end(self) -> None:
        self.doing = ""
        self._worker = self._gathered = None  # a layer that is closed later must not stay alive
        self._activity.end()
        if not self._stopped:
            self.changed.emit()
