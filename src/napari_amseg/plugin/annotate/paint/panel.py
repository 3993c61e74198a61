"""Painting by hand: the classes, napari's tools, and how the labels are shown."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_amseg.plugin.annotate import keys
from napari_amseg.plugin.annotate.paint.guide_dialog import GuideDialog
from napari_amseg.plugin.annotate.paint.palette import ClassPalette
from napari_amseg.plugin.annotate.paint.tools import Tools
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.tasks import explain
from napari_amseg.plugin.theme import palette

if TYPE_CHECKING:
    import napari

_COUNT_MS = 100


class PaintPanel(QWidget):
    """Palette, tools and display of the layer under annotation."""

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._session: Session | None = None
        self._chosen = 0
        self._guide: GuideDialog | None = None
        self._keys = keys.Keys(self)
        self._count_timer = QTimer(self)
        self._count_timer.setSingleShot(True)
        self._count_timer.setInterval(_COUNT_MS)
        self._count_timer.timeout.connect(self._count)
        self._build()
        viewer.events.theme.connect(self._on_theme)

    def _build(self) -> None:
        self.classes, self.tools, self.note = ClassPalette(), Tools(self._viewer), QLabel()
        self.note.setWordWrap(True)
        self.undo_button = QPushButton("Undo")
        self.redo_button = QPushButton("Redo")
        self.guide_button = QPushButton("Guide…")
        for button, tip, action in (
            (self.undo_button, "Take back the last stroke, or all that an aid did.", self._undo),
            (self.redo_button, "Do again what was taken back.", self._redo),
            (self.guide_button, "What belongs to which class, on pictures.", self.show_guide),
        ):
            button.setToolTip(tip)
            button.clicked.connect(action)
        self.undo_button.setToolTip(keys.with_keys(self.undo_button.toolTip(), ("Ctrl+Z",)))
        self.redo_button.setToolTip(keys.with_keys(self.redo_button.toolTip(), ("Ctrl+Shift+Z",)))
        self.classes.chosen.connect(self.choose)
        buttons = QHBoxLayout()
        for button in (self.undo_button, self.redo_button, self.guide_button):
            buttons.addWidget(button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.classes)
        layout.addWidget(self.tools)
        layout.addLayout(buttons)
        layout.addWidget(self.note)
        layout.addStretch(1)

    def set_session(self, session: Session | None) -> None:
        """Paint on another stack, or on none."""
        self._leave()
        self._session = session
        self.classes.set_scheme(session and session.scheme, palette(self._viewer))
        self.tools.set_layer(session and session.layer)
        if session is None:
            return
        session.changed.connect(self._on_changed)
        session.frame_shown.connect(self._on_changed)
        session.layer.events.selected_label.connect(self._on_selected)
        self._bind(session)
        self._chosen = session.scheme.codes[0]
        self._on_selected()
        self._count()

    def stop(self) -> None:
        """Let go of the viewer."""
        self._leave()
        self._keys.stop()
        self._viewer.events.theme.disconnect(self._on_theme)
        if self._guide is not None:
            self._guide.close()

    def _leave(self) -> None:
        self._keys.clear()
        self._count_timer.stop()
        self.tools.set_layer(None)
        if self._session is not None:
            self._session.changed.disconnect(self._on_changed)
            self._session.frame_shown.disconnect(self._on_changed)
            self._session.layer.events.selected_label.disconnect(self._on_selected)
        self._session = None

    def _bind(self, session: Session) -> None:
        for key, code in zip(keys.CLASSES, session.scheme.codes, strict=False):
            self._keys.bind(key, partial(self.choose, code))
        self._keys.bind(keys.UNLABELLED, partial(self.choose, 0))
        self._keys.bind(keys.SHOW_LABELS, self.tools.shown.click)
        self._keys.bind(keys.OUTLINE, self.tools.outlines.click)

    def choose(self, code: int) -> None:
        """Paint with a class, or with 0; whoever moved the view or erased takes the brush."""
        if self._session is None:
            return
        layer = self._session.layer
        layer.selected_label = code
        keeps = {"paint", "fill", "polygon"}
        if layer.preserve_labels:  # the eraser takes away what is chosen
            keeps.add("erase")
        self.tools.take(str(layer.mode) if str(layer.mode) in keeps else "paint")

    def show_guide(self) -> None:
        """Open the labelling guide beside the viewer."""
        try:
            if self._guide is None:
                self._guide = GuideDialog(self)
        except OSError as error:
            explain(error)
            return
        self._guide.show()
        self._guide.raise_()

    def _undo(self) -> None:
        if self._session is not None:
            self._session.layer.undo()

    def _redo(self) -> None:
        if self._session is not None:
            self._session.layer.redo()

    def _on_selected(self, event: object = None) -> None:
        """Another label, by whatever; napari also offers such as are no class."""
        if self._session is None:
            return
        layer = self._session.layer
        code = int(layer.selected_label)
        if code not in self.classes.rows:
            self.note.setText(f"Label {code} is no class: back to {self._chosen}.")
            layer.selected_label = self._chosen
            return
        self._chosen = code
        self.classes.set_chosen(code)

    def _on_changed(self, what: object = None) -> None:
        """Count soon, once, however much changes until then."""
        if not self._count_timer.isActive():
            self._count_timer.start()

    def _count(self) -> None:
        if self._session is None:
            return
        labels = self._session.labels_of(self._session.frame)
        counts = np.bincount(labels.ravel(), minlength=256)
        self.classes.set_shares({code: counts[code] / labels.size for code in self.classes.rows})

    def _on_theme(self, event: object = None) -> None:
        session = self._session
        self.classes.set_scheme(session and session.scheme, palette(self._viewer))
        self._on_selected()
        self._count()
