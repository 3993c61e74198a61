"""One aid of the panel: a fold with its inputs and buttons."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_amseg.plugin.annotate.aids.desk import AidDesk
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.forms import TidyForm


class Aid(QWidget):
    """Inputs and buttons of an aid; what it shares with others is on the desk.

    Attributes
    ----------
    title : of the fold. form : where inputs go.
    """

    title = ""

    def __init__(self, desk: AidDesk) -> None:
        super().__init__()
        self.desk = desk
        top = QWidget()
        self.form = TidyForm(top)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(12, 0, 0, 8)
        self._layout.setSpacing(5)
        self._layout.addWidget(top)

    @property
    def session(self) -> Session:
        """The session; buttons can be pressed only while there is one."""
        assert self.desk.session is not None
        return self.desk.session

    def add_row(self, *widgets: QWidget) -> None:
        """Put buttons side by side, of one width."""
        row = QHBoxLayout()
        row.setSpacing(4)
        for widget in widgets:
            row.addWidget(widget, 1)
        self._layout.addLayout(row)

    def set_session(self, session: Session | None) -> None:
        """Help with another stack, or with none."""

    def stop(self) -> None:
        """The panel closes."""
