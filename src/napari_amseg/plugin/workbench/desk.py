"""Saves and opens workspaces: the work in a thread, layers and forms in the GUI thread."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from qtpy.QtCore import QObject, Signal

from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.tasks import CancelledEarlyError, explain, follow
from napari_amseg.plugin.workbench.collect import Gathered, gather
from napari_amseg.plugin.workbench.docks import STEPS, Docks
from napari_amseg.plugin.workbench.forms import fill_form
from napari_amseg.plugin.workbench.opening import Opened, open_workspace
from napari_amseg.plugin.workbench.progress import Step
from napari_amseg.plugin.workbench.saving import Saved, save_workspace

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer


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
        self._known: WeakKeyDictionary[Layer, Path] = WeakKeyDictionary()
        self._own: set[Path] = set()
        self._cancel = cancel_event()
        self._activity = Activity()
        self._worker: Any = None
        self._stopped = False

    @property
    def busy(self) -> bool:
        """Whether a workspace is being written or read."""
        return bool(self.doing)

    def save(self, path: Path) -> None:
        """Write the viewer as it is to a workspace file; its ending is added."""
        if self.busy:
            return
        try:
            gathered = gather(
                self._viewer,
                self._docks,
                path,
                known=self._known,
                own=self._own,
                cancel=cancel_event(),
            )
        except ValueError as error:
            explain(error)
            return
        self._cancel = gathered.job.cancel
        self._run("saving", lambda: save_workspace(gathered.job), gathered)

    def open(self, path: Path) -> None:
        """Add what a workspace holds to the viewer; layers that are there stay."""
        if self.busy:
            return
        self._cancel = cancel_event()
        self._run("opening", lambda: open_workspace(path, self._cancel), None)

    def cancel(self) -> None:
        """Stop: nothing is written, nothing is added."""
        self._cancel.set()

    def stop(self) -> None:
        """The Workbench closes: what runs ends, and nothing comes of it."""
        self._stopped = True
        self.cancel()
        self._activity.end()

    def _run(
        self, doing: str, work: Callable[[], Generator[Any]], gathered: Gathered | None
    ) -> None:
        def guarded() -> Generator[Any]:
            try:
                yield from work()
            except CancelledEarlyError:
                return
            except Exception as error:  # a worker would swallow some
                yield _Problem(error)

        self.doing = doing
        self._activity.begin(f"{doing} workspace")
        self.changed.emit()
        self._worker = follow(
            guarded, take=lambda came: self._take(came, gathered), ended=self._on_end
        )

    def _take(self, came: Any, gathered: Gathered | None) -> None:
        if self._stopped:
            return
        if isinstance(came, Step):
            self._activity.show(came.done, came.total)
        elif isinstance(came, _Problem):
            explain(came.error)
        elif isinstance(came, Saved) and gathered is not None:
            self._on_saved(came, gathered)
        elif isinstance(came, Opened):
            self._on_opened(came)

    def _on_saved(self, saved: Saved, gathered: Gathered) -> None:
        from napari.utils.notifications import show_info

        self.path = saved.path
        for layer, file in zip(gathered.layers, saved.files, strict=True):
            if file is not None:
                self._known[layer] = file
        self._own |= saved.written
        n = len(gathered.layers)
        text = f"Saved {saved.path.name}: {n} layer{'s' * (n != 1)}."
        show_info("\n".join((text, *gathered.remarks)))

    def _on_opened(self, opened: Opened) -> None:
        from napari.utils.notifications import show_info

        problems = list(opened.problems)
        layers = self._add_layers(opened, problems)
        if layers:
            self._viewer.dims.set_current_step(0, opened.workspace.frame)
        self._open_docks(opened, layers, problems)
        self.path = opened.path
        n = len(layers)
        text = f"Opened {opened.path.name}: {n} layer{'s' * (n != 1)}."
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
                problems.append(f"Layer {name}: {error}")
                continue
            layer.editable = layer.editable and not item.is_annotation
            added[name] = layer
            if item.file is not None:
                self._known[layer] = item.file
                self._own.add(item.file)
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
        self._activity.end()
        if not self._stopped:
            self.changed.emit()
