"""Words in the place of a plot that has nothing to show."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QLabel, QWidget

from napari_amseg.plugin.theme import Palette

_MARGIN_PX = 12


class Curtain(QLabel):
    """Lies over a plot and says what is missing: axes without data would mean nothing."""

    def __init__(self, plot: QWidget, palette: Palette, words: str = "") -> None:
        super().__init__(plot)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMargin(_MARGIN_PX)
        self.set_palette(palette)
        plot.installEventFilter(self)
        self.setGeometry(plot.rect())
        self.say(words)

    def say(self, words: str) -> None:
        """Cover the plot with words; none take the curtain away."""
        self.setText(words)
        self.setVisible(bool(words))
        self.raise_()

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of a theme."""
        self.setStyleSheet(f"background-color: {palette.background}; color: {palette.text};")

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Keep the size of the plot."""
        if event is not None and event.type() == QEvent.Type.Resize:
            plot = self.parentWidget()
            if plot is not None:
                self.setGeometry(plot.rect())
        return super().eventFilter(watched, event)
