"""One step of the *Workbench*: a button with its mark, and its state in words below."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QFontMetrics
from qtpy.QtWidgets import QBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from napari_amseg.plugin.theme import Palette
from napari_amseg.plugin.workbench.state import Mark, StepState

_LEAST_WIDTH_PX = 118
_ANY_WIDTH_PX = 2**24 - 1
_PADDING_PX = 12  # with what napari's style adds around a label
_ACCENT, _DONE = "#1f6f75", "#009e73"
_SIGNS = {Mark.DONE: "✓", Mark.NEXT: "→", Mark.RUNNING: "…"}


class StepCell(QWidget):
    """A step that can be clicked to bring its dock to the front."""

    clicked = Signal(str)

    def __init__(self, step: str, number: int) -> None:
        super().__init__()
        self.step, self._number = step, number
        self.mark = Mark.WAITING
        self.button, self.text = QPushButton(), _Elided()
        self.button.clicked.connect(lambda _: self.clicked.emit(step))
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        self._layout.addWidget(self.button)
        self._layout.addWidget(self.text, 1)
        self.setMinimumWidth(_LEAST_WIDTH_PX)

    def turn(self, *, wide: bool) -> None:
        """In a row of steps the words stand below the button, in a column beside it."""
        direction = QBoxLayout.Direction
        self._layout.setDirection(direction.TopToBottom if wide else direction.LeftToRight)
        self.button.setMaximumWidth(_ANY_WIDTH_PX if wide else _LEAST_WIDTH_PX)
        self.button.setMinimumWidth(0 if wide else _LEAST_WIDTH_PX)
        self.text.set_lines(2 if wide else 1)

    def show_state(self, state: StepState, mark: Mark, colors: Palette) -> None:
        """Show where the step stands."""
        self.mark = mark
        sign = f"  {_SIGNS[mark]}" if mark in _SIGNS else ""
        self.button.setText(f"{self._number}  {self.step}{sign}")
        self.button.setStyleSheet(_style(mark, colors))
        untouched = mark is Mark.OPTIONAL and not state.begun
        self.text.set_text(mark.value if untouched else state.text)
        how = f" ({mark.value})" if mark.value else ""
        self.button.setToolTip(f"{self.step}{how}: {state.text}.\nClick to open it.")


class _Elided(QLabel):
    """One line or two; what does not fit is in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self._text, self._lines = "", 2
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_lines(self, lines: int) -> None:
        """So many lines at most."""
        self._lines = lines
        self._fit()

    def set_text(self, text: str) -> None:
        """Show a text."""
        self._text = text
        self.setToolTip(text)
        self._fit()

    def resizeEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Another width: other lines."""
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """The text asks for no width."""
        return QSize(_LEAST_WIDTH_PX, self.height())

    def _fit(self) -> None:
        self.ensurePolished()  # else the font is not yet that of the theme
        self.setFixedHeight(self._lines * self.fontMetrics().lineSpacing() + _PADDING_PX)
        self.setText(
            "\n".join(
                _broken(self._text, self._lines, self.width() - _PADDING_PX, self.fontMetrics())
            )
        )


def _broken(text: str, n_lines: int, width_px: int, metrics: QFontMetrics) -> list[str]:
    """Lines of whole words; the last one takes what is left, with an ellipsis if that is cut."""
    lines: list[str] = []
    words = text.split(" ")
    while words and len(lines) < n_lines - 1:
        n = 1
        while n < len(words) and metrics.horizontalAdvance(" ".join(words[: n + 1])) <= width_px:
            n += 1
        if metrics.horizontalAdvance(" ".join(words[:n])) > width_px:
            break  # a word longer than the line: what is left is cut
        lines.append(" ".join(words[:n]))
        words = words[n:]
    if words:
        left = " ".join(words)
        lines.append(metrics.elidedText(left, Qt.TextElideMode.ElideRight, max(1, width_px)))
    return lines


def _style(mark: Mark, colors: Palette) -> str:
    if mark is Mark.NEXT:
        return (
            f"QPushButton {{ background: {_ACCENT}; color: white; font-weight: bold; "
            "text-align: left; padding: 3px 8px; }"
        )
    color = colors.legible(_DONE) if mark is Mark.DONE else colors.text
    edge = f" border-left: 3px solid {color};" if mark in (Mark.DONE, Mark.RUNNING) else ""
    return f"QPushButton {{ color: {colors.text}; text-align: left; padding: 3px 8px;{edge} }}"
