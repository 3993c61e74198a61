"""Keys of the *Annotate* widget: they work in the whole window, but never while somebody types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence, QWindow
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QShortcut,
    QTextEdit,
    QWidget,
)

# All with Shift: napari's own keys of a labels layer, the digits among them, are without. None is
# a key of napari's for any layer, so a points layer that was clicked meanwhile keeps its keys.
PREVIOUS_FRAME = ("Shift+S", "Shift+Left")
NEXT_FRAME = ("Shift+D", "Shift+Right")
NEXT_UNLABELLED = ("Shift+N",)
COMPLETE = ("Shift+Return", "Shift+Enter")
OUTLINE = ("Shift+O",)
SHOW_LABELS = ("Shift+H",)
UNLABELLED = ("Shift+0",)
CLASSES = tuple((f"Shift+{i}",) for i in range(1, 10))

_TEXT_FIELDS = (QLineEdit, QAbstractSpinBox, QTextEdit, QPlainTextEdit)


class Keys(QObject):
    """Keys of one panel.

    They are shortcuts of the window: those work whatever part of it has the focus, and know the
    digit where a layout makes ``!`` of Shift+1. Where digits themselves need Shift, as in France,
    Qt takes the Shift away before it compares; so these are also looked for among what arrives.
    While a mouse button is down they rest: napari draws a stroke through all frames between two.

    Parameters
    ----------
    panel : part of the window when its keys are bound, docked or not.
    """

    def __init__(self, panel: QWidget) -> None:
        super().__init__()
        self._panel = panel
        self._shortcuts: list[QShortcut] = []
        self._digits: dict[int, Callable[[], object]] = {}
        self._heard: QWindow | None = None
        QApplication.instance().focusChanged.connect(self._on_focus)

    def bind(
        self, keys: Sequence[str], action: Callable[[], object], *, held: bool = False
    ) -> None:
        """Let keys do something; `held` again and again while the key is down."""
        window = _main_window(self._panel)
        shortcut = QShortcut(window)
        shortcut.setKeys([QKeySequence(key) for key in keys])
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.setAutoRepeat(held)
        shortcut.activated.connect(partial(_do, action))
        self._shortcuts.append(shortcut)
        self._on_focus(None, QApplication.focusWidget())
        self._digits |= {ord(key[-1]): action for key in keys if key[-1].isdigit()}
        if self._digits and self._heard is None and window.windowHandle() is not None:
            self._heard = window.windowHandle()
            self._heard.installEventFilter(self)

    def clear(self) -> None:
        """Give all keys back."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        if self._heard is not None:
            self._heard.removeEventFilter(self)
        self._shortcuts, self._digits, self._heard = [], {}, None

    def stop(self) -> None:
        """Give all keys back, for good."""
        self.clear()
        QApplication.instance().focusChanged.disconnect(self._on_focus)

    def eventFilter(self, window: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """A digit that needed Shift, before anybody in the window gets it."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        action = self._digits.get(event.key())
        shifted = event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        if action is None or not shifted or isinstance(QApplication.focusWidget(), _TEXT_FIELDS):
            return False
        _do(action)
        return True

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        """Somebody who types means letters."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(not isinstance(now, _TEXT_FIELDS))


def _main_window(widget: QWidget) -> QWidget:
    """The window of the viewer, of which an undocked panel is a child."""
    while (parent := widget.parentWidget()) is not None:
        widget = parent
    return widget


def _do(action: Callable[[], object]) -> None:
    if QApplication.mouseButtons() == Qt.MouseButton.NoButton:
        action()


def with_keys(tip: str, keys: Sequence[str]) -> str:
    """A tooltip that names the keys."""
    return f"{tip}\nKey: {' or '.join(dict.fromkeys(key_name(key) for key in keys))}"


def key_name(key: str) -> str:
    """A key as it is written on keyboards of this system."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def napari_keys(action: str) -> tuple[str, ...]:
    """The keys that the settings of napari give one of its actions."""
    from napari.settings import get_settings

    found = get_settings().shortcuts.shortcuts.get(f"napari:{action}", ())
    return tuple(str(key) for key in found)
