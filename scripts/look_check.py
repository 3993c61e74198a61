"""What is clipped, elided, squeezed, overlapping or unexplained in a widget that is on the screen.

Used by ``look_at_widgets.py`` and by the tests. Knows Qt only, nothing of the plugin.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtGui import QTextDocument
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDialogButtonBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QMainWindow,
    QRadioButton,
    QScrollArea,
    QScrollBar,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QTableWidget,
    QTabWidget,
    QToolButton,
    QWidget,
)

_SLACK_PX, _HEIGHT_SLACK_PX = 1, 3
_BUTTON_FRAME_PX, _ARROW_PX, _TITLE_PX, _CELL_PX = 4, 34, 20, 6
_OWN_LAYOUT = (
    QAbstractScrollArea, QComboBox, QSplitter, QStackedWidget, QTabWidget, QTabBar,
    QAbstractSpinBox, QMainWindow, QDialogButtonBox, QLineEdit,
)  # fmt: skip
_INPUTS = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QAbstractSlider)
# Words with which a tooltip tells what is missing, and not what the button would do.
_REASON = re.compile(
    r"\b(first|wait|nothing|none|neither|no|not|running|choose|switch|open|name|is being|same|busy|"
    r"cannot|already|all|paint)\b|…",
    re.IGNORECASE,
)


def findings(widget: QWidget) -> list[str]:
    """What a person would see to be wrong in `widget` and all that is shown in it."""
    found = [text for part in shown(widget) for text in (*_clipped(part), *_crowded(part))]
    return [f"{where(widget)}: {text}" for text in dict.fromkeys(found)]


def unexplained(widget: QWidget) -> list[str]:
    """Inputs and buttons, shown or folded away, without tooltip, or disabled without a reason."""
    found = []
    for part in (widget, *widget.findChildren(QWidget)):
        if not is_input(part):
            continue
        tip = tip_of(part)
        if not tip:
            found.append(f"{where(part)} has no tooltip")
        elif _is_silent(part, tip):
            found.append(f"{where(part)} is disabled, and its tooltip does not say why: {tip}")
    return found


def _is_silent(part: QWidget, tip: str) -> bool:
    disabled = isinstance(part, QAbstractButton) and is_disabled_by_itself(part)
    return disabled and not _REASON.search(tip)


def out_of_order(widget: QWidget) -> list[str]:
    """Inputs that Tab reaches before one that stands above them."""
    chain = list(_tab_chain(widget))
    places = [(part, part.mapTo(widget, QPoint(0, 0)), part.size()) for part in chain]
    return [
        f"Tab goes up from {where(before)} to {where(after)}"
        for (before, p, size), (after, q, _) in itertools.pairwise(places)
        if q.y() + _SLACK_PX < p.y() and q.x() < p.x() + size.width()
    ]


def shown(widget: QWidget) -> Iterator[QWidget]:
    """`widget` and what is visible in it; not what belongs to another window."""
    for part in (widget, *widget.findChildren(QWidget)):
        if part.isVisible() and part.window() is widget.window():
            yield part


def is_input(part: QWidget) -> bool:
    """Whether a person operates it; parts that Qt builds into others do not count."""
    if not isinstance(part, _INPUTS) or isinstance(part, QScrollBar):
        return False
    built_in = (
        QComboBox,
        QAbstractSpinBox,
        QLineEdit,
        QTabBar,
        QAbstractItemView,
        QDialogButtonBox,
    )
    parent = part.parentWidget()
    while parent is not None and not parent.isWindow():
        if isinstance(parent, built_in) and not parent.inherits("QTableWidget"):
            return False
        parent = parent.parentWidget()
    return not part.objectName().startswith("qt_") and not part.inherits("QTableCornerButton")


def tip_of(part: QWidget) -> str:
    """The tooltip that Qt shows: of the part, or of the composite field it is in."""
    parent = part.parentWidget()
    own = part.toolTip().strip()
    return own or (parent.toolTip().strip() if parent is not None else "")


def is_disabled_by_itself(part: QWidget) -> bool:
    """Not only because all around it is disabled."""
    parent = part.parentWidget()
    if isinstance(parent, QGroupBox) and parent.isCheckable() and not parent.isChecked():
        return False
    return not part.isEnabled() and (parent is None or parent.isEnabled())


def where(part: QWidget) -> str:
    """Kind and text of a widget."""
    text = ""
    for name in ("text", "title", "currentText", "windowTitle"):
        if hasattr(part, name) and (text := str(getattr(part, name)())):
            break
    return f"{type(part).__name__} {text[:60]!r}" if text else type(part).__name__


def _clipped(part: QWidget) -> Iterator[str]:
    """Text that does not find room."""
    width = part.width() + _SLACK_PX
    if isinstance(part, QLabel):
        yield from _clipped_label(part)
    elif isinstance(part, QCheckBox | QRadioButton):
        if part.sizeHint().width() > width:
            yield f"{where(part)} needs {part.sizeHint().width()} px, has {part.width()}"
    elif isinstance(part, QAbstractButton):
        yield from _wider(part, part.text(), width - _BUTTON_FRAME_PX)
    elif isinstance(part, QComboBox):
        yield from _wider(part, part.currentText(), width - _ARROW_PX)
    elif isinstance(part, QGroupBox):
        yield from _wider(part, part.title(), width - _TITLE_PX)
    elif isinstance(part, QLineEdit):
        words = part.text() if isinstance(part.parent(), QAbstractSpinBox) else ""
        hint = "" if part.text() else part.placeholderText()
        yield from _wider(part, words or hint, part.width())
    elif isinstance(part, QTabBar):
        if part.sizeHint().width() > width:
            yield f"tabs need {part.sizeHint().width()} px, have {part.width()}"
    elif isinstance(part, QTableWidget):
        yield from _clipped_cells(part)


def _wider(part: QWidget, text: str, room: int) -> Iterator[str]:
    needs = part.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, text).width() if text else 0
    if needs > room:
        yield f"{where(part)}: {text!r} needs {needs} px, has {room}"


def _clipped_label(label: QLabel) -> Iterator[str]:
    if not label.text() or not label.pixmap().isNull():
        return
    room = label.contentsRect().size()
    if label.wordWrap():
        longest, height = _widest_word(label), label.heightForWidth(label.width())
        if longest > room.width() + _SLACK_PX:
            yield f"{where(label)}: a word needs {longest} px, has {room.width()}"
        if height > label.height() + _SLACK_PX:
            yield f"{where(label)}: lines need {height} px, have {label.height()}"
        return
    needs = label.sizeHint()
    if needs.width() > label.width() + _SLACK_PX or needs.height() > label.height() + _SLACK_PX:
        yield (
            f"{where(label)} needs {needs.width()} x {needs.height()} px, has "
            f"{label.width()} x {label.height()}"
        )


def _widest_word(label: QLabel) -> int:
    document = QTextDocument()
    rich = Qt.mightBeRichText(label.text())
    (document.setHtml if rich else document.setPlainText)(label.text())
    words = document.toPlainText().split()  # a hard space is one that Python splits at, too
    return max((label.fontMetrics().horizontalAdvance(word) for word in words), default=0)


def _clipped_cells(table: QTableWidget) -> Iterator[str]:
    for column in range(table.columnCount()):
        room = table.columnWidth(column) - _CELL_PX
        rows = (
            [table.horizontalHeaderItem(column)] if not table.horizontalHeader().isHidden() else []
        )
        rows += [table.item(row, column) for row in range(table.rowCount())]
        for item in rows:
            text = item.text() if item is not None else ""
            needs = table.fontMetrics().horizontalAdvance(text)
            if needs > room and not (item.toolTip() or table.wordWrap()):
                yield f"table cell {text!r} needs {needs} px, has {room}"


def _crowded(part: QWidget) -> Iterator[str]:
    """Children that lie on each other or reach out, pages wider than what shows them."""
    if isinstance(part, QScrollArea):
        page = part.widget()
        if page is not None and page.width() > part.viewport().width() + _SLACK_PX:
            yield f"a page of {page.width()} px in a view of {part.viewport().width()}"
    if isinstance(part, QAbstractScrollArea) and part.horizontalScrollBar().isVisible():
        yield f"{where(part)} has a horizontal scroll bar"
    if isinstance(part, _OWN_LAYOUT) or isinstance(part.parent(), QAbstractScrollArea):
        return  # a view shows a part of its page, that is what it is for
    least = part.minimumSizeHint()
    if part.layout() is not None and least.height() > part.height() + _HEIGHT_SLACK_PX:
        yield f"{where(part)} needs {least.height()} px in height, has {part.height()}"
    children = [
        child
        for child in part.children()
        if isinstance(child, QWidget) and child.isVisible() and not child.isWindow()
    ]
    for i, child in enumerate(children):
        if not part.rect().adjusted(-1, -1, 1, 1).contains(child.geometry()):
            yield f"{where(child)} reaches out of {where(part)}"
        for other in children[i + 1 :]:
            common: QRect = child.geometry().intersected(other.geometry())
            if common.width() > _SLACK_PX and common.height() > _SLACK_PX:
                yield f"{where(child)} lies on {where(other)}"


def _in_view(part: QWidget) -> bool:
    """Not scrolled away: where that would be says nothing."""
    return part.isVisible() and not part.visibleRegion().isEmpty()


def _tab_chain(widget: QWidget) -> Iterator[QWidget]:
    """Inputs of `widget` in the order in which Tab goes through them."""
    part = widget.nextInFocusChain()
    while part is not None and part is not widget:
        policy = part.focusPolicy()
        takes_tab = bool(policy.value & Qt.FocusPolicy.TabFocus.value)
        stops = is_input(part) or isinstance(part, QTabBar | QAbstractItemView | QToolButton)
        here = stops and part.isEnabled() and widget.isAncestorOf(part)
        if takes_tab and here and _in_view(part):
            yield part
        part = part.nextInFocusChain()
