"""The button *As command…* that every widget with a command has."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QToolButton

from napari_amseg.plugin.command.dialog import CommandDialog
from napari_amseg.plugin.command.plan import MakePlan, Plan
from napari_amseg.plugin.tasks import explain, run_in_thread

_TIP = "Show the amseg command that repeats what is set here, to be run without a window."


class CommandButton(QToolButton):
    """Opens the dialog of a command.

    make : gives what makes the plan in a thread; ValueError in words if nothing can be repeated.
    """

    def __init__(self, make: Callable[[], MakePlan]) -> None:
        super().__init__()
        self._make = make
        self.dialog: CommandDialog | None = None
        self.setText("As command…")
        self.setAutoRaise(True)
        self.setToolTip(_TIP)
        self.clicked.connect(lambda _: self.open())
        self._closed = False
        self.destroyed.connect(lambda *_: self._close())

    def open(self) -> None:
        """Make the plan and show it, or the reason why there is none."""
        try:
            make = self._make()
        except (ValueError, OSError) as error:
            self._show(str(error))
            return
        self.setEnabled(False)
        run_in_thread(make, self._on_made)

    def _on_made(self, plan: Plan | None, error: BaseException | None) -> None:
        if self._closed:
            return
        self.setEnabled(True)
        if plan is not None:
            self._show(plan)
        elif isinstance(error, ValueError | OSError):
            self._show(str(error))
        elif error is not None:
            explain(error)

    def _show(self, plan: Plan | str) -> None:
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = CommandDialog(self.window(), plan)
        self.dialog.finished.connect(self._forget)
        self.dialog.show()

    def _forget(self) -> None:
        """The dialog was closed: what its plan holds of the layer is let go."""
        self.dialog = None

    def _close(self) -> None:
        self._closed = True
