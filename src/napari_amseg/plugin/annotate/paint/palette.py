"""The classes to paint with: colour, name, key, share of the frame."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_amseg.labels import Label, LabelScheme
from napari_amseg.plugin.annotate import keys
from napari_amseg.plugin.theme import Palette

_SWATCH_PX = 18
_SHARE_WIDTH_PX = 70
_KEY_WIDTH_PX = 58


class ClassPalette(QWidget):
    """One row for each class and one for no class; one is chosen.

    Signals
    -------
    chosen : the code of the row that a person clicked.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, ClassRow] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._group.idClicked.connect(self.chosen)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)

    def set_scheme(self, scheme: LabelScheme | None, palette: Palette) -> None:
        """Offer the classes of a scheme."""
        for row in self.rows.values():
            self._group.removeButton(row)
            self._layout.removeWidget(row)
            row.hide()  # at once: it would lie under the new ones
            row.deleteLater()
        self.rows = {}
        if scheme is None:
            return
        classes = [(int(c.code), c.name, c.color) for c in scheme.classes]
        for i, (code, name, color) in enumerate(classes):
            self._add(ClassRow(name, color, keys.CLASSES[i : i + 1], palette), code)
        nothing = int(Label.UNLABELLED)
        self._add(ClassRow("unlabelled", None, (keys.UNLABELLED,), palette), nothing)

    def _add(self, row: ClassRow, code: int) -> None:
        self.rows[code] = row
        self._group.addButton(row, code)
        self._layout.addWidget(row)

    def set_chosen(self, code: int) -> None:
        """Show which class is painted with."""
        if code in self.rows:
            self.rows[code].setChecked(True)

    def set_shares(self, shares: Mapping[int, float]) -> None:
        """Show the share of the frame, 0 to 1, that each code covers."""
        for code, row in self.rows.items():
            row.share.setText(share_words(shares.get(code, 0.0)))


class ClassRow(QPushButton):
    """A class. color : ``#rrggbb``, None for no class. its_keys : none, or its key."""

    def __init__(
        self, name: str, color: str | None, its_keys: tuple[tuple[str, ...], ...], palette: Palette
    ) -> None:
        super().__init__(swatch(color, palette), name)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setStyleSheet(
            "QPushButton {text-align: left; padding: 3px; border: 2px solid transparent;}"
            f"QPushButton:checked {{border: 2px solid {palette.text}; font-weight: bold;}}"
        )
        self.share = QLabel()
        key = QLabel(keys.key_name(its_keys[0][0]) if its_keys else "")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 8, 0)
        row.addStretch(1)
        for label, width in ((key, _KEY_WIDTH_PX), (self.share, _SHARE_WIDTH_PX)):
            label.setFixedWidth(width)
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            row.addWidget(label)
        tip = f"Paint {name}; its share of the pixels of this frame."
        if color is None:
            tip = "Take labels away; how many pixels of this frame have none."
        self.setToolTip(keys.with_keys(tip, its_keys[0]) if its_keys else tip)


def swatch(color: str | None, palette: Palette) -> QIcon:
    """A square of a colour with a rim, so that dark ones show on dark; crossed out for None."""
    pixmap = QPixmap(_SWATCH_PX, _SWATCH_PX)
    pixmap.fill(QColor(color) if color else Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setPen(QColor(palette.text))
    painter.drawRect(0, 0, _SWATCH_PX - 1, _SWATCH_PX - 1)
    if color is None:
        painter.drawLine(0, _SWATCH_PX - 1, _SWATCH_PX - 1, 0)
    painter.end()
    return QIcon(pixmap)


def share_words(share: float) -> str:
    """A share of 0 to 1 in percent; a few pixels are not nothing, all but a few are not all."""
    if share in (0, 1):
        return "100 %" if share else "–"
    percent = 100 * share
    if percent < 0.01:
        return "< 0.01 %"
    return f"{percent:.2f} %" if percent <= 99.99 else "> 99.99 %"
