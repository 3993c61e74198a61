"""The dialog that shows a command: *Copy*, *Save…*, and what the command needs beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_amseg.io import OutputFiles
from napari_amseg.pipeline.command_parts import Words
from napari_amseg.pipeline.command_text import script_text, shell_text
from napari_amseg.plugin.command.plan import Plan
from napari_amseg.plugin.fields import Note, dialog_buttons
from napari_amseg.plugin.forms import PathEdit, TidyForm
from napari_amseg.plugin.results_place import results_went_to
from napari_amseg.plugin.tasks import run_in_thread

ON_WINDOWS = os.name == "nt"
_SUFFIX = ".bat" if ON_WINDOWS else ".sh"
_WIDTH_PX, _TEXT_HEIGHT_PX = 640, 170


class CommandDialog(QDialog):
    """A command, or the reason why there is none. plan : the former, or in words the latter."""

    def __init__(self, parent: QWidget | None, plan: Plan | str) -> None:
        super().__init__(parent)
        self.setWindowTitle("As command")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._is_open = True
        self.finished.connect(self._on_finished)
        self.setMinimumWidth(_WIDTH_PX)
        self.plan = None if isinstance(plan, str) else plan
        self.place = PathEdit(file=False, folder=bool(self.plan and not self.plan.into_file))
        self.place.setToolTip("Where the command writes its results.")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setMinimumHeight(_TEXT_HEIGHT_PX)
        self.notes, self.status = Note(), Note()
        self.copy_button, self.save_button = QPushButton("Copy"), QPushButton("Save…")
        close = dialog_buttons(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        if self.plan is None:
            self.notes.setText(f"There is no command for this yet: {plan}")
            layout.addWidget(self.notes)
            layout.addWidget(close)
            return
        for button in (self.copy_button, self.save_button):
            close.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        top = QWidget()
        what = "result file" if self.plan.into_file else "results into"
        TidyForm(top).add(what, self.place)
        for part in (top, self.text, self.notes, self.status, close):
            layout.addWidget(part)
        self.notes.setText("\n".join((*self.plan.notes, *_needs_in_words(self.plan))))
        self.place.changed.connect(self._show_command)
        self.copy_button.clicked.connect(self.copy)
        self.save_button.clicked.connect(self._on_save)
        self.place.set_path(self.plan.place)

    @property
    def _out(self) -> Path:
        return Path(self.place.path()).expanduser().absolute()

    @property
    def _beside(self) -> Path:
        """Where what the command needs goes, unless it is saved elsewhere."""
        return self._out.parent if self.plan and self.plan.into_file else self._out

    def words(self, beside: Path | None = None) -> Words:
        """The command, if the files it needs are in the folder `beside`.

        Raises
        ------
        ValueError, OSError
            If there is no place for the results, or it cannot be written as a command.
        """
        if self.plan is None or not self.place.path():
            raise ValueError("Choose a place for the results.")
        return self.plan.words(self._out, beside or self._beside)

    def _show_command(self) -> None:
        try:
            text, why_not = shell_text(self.words(), windows=ON_WINDOWS), ""
        except (ValueError, OSError) as error:
            text, why_not = "", str(error)
        self.text.setPlainText(text)
        self.status.setText(why_not)
        for button, tip in (
            (self.copy_button, "Put the command on the clipboard."),
            (self.save_button, "Save the command as a script."),
        ):
            button.setEnabled(not why_not)
            button.setToolTip(why_not or tip)

    def copy(self) -> None:
        """Put the command on the clipboard, and write what it needs."""
        text, beside = self.text.toPlainText(), self._beside

        def copied(written: list[Path]) -> None:
            clipboard = QApplication.clipboard()
            assert clipboard is not None
            clipboard.setText(text)
            self._say("\n".join(("Copied.", *_written(written))))

        self._write(beside, lambda: [], copied)

    def _on_save(self) -> None:
        assert self.plan is not None
        proposed = self._beside / f"{self.plan.stem}_command{_SUFFIX}"
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the command", str(proposed), f"Script (*{_SUFFIX})"
        )
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Save the command as a script, with what it needs in the same folder."""
        try:
            text = script_text(self.words(path.parent), windows=ON_WINDOWS)
        except (ValueError, OSError) as error:
            self.status.setText(str(error))
            return

        def write() -> list[Path]:
            with OutputFiles(path.parent) as files:
                part = files.path(path.name)
                part.write_bytes(text.encode())
                part.chmod(0o755)
            return [path]

        self._write(path.parent, write, lambda all_: self._say("\n".join(_written(all_))))

    def _write(
        self, beside: Path, more: Callable[[], list[Path]], done: Callable[[list[Path]], None]
    ) -> None:
        """Write the needed files, then `more`, in a thread."""
        plan, place = self.plan, self._out
        assert plan is not None

        def write() -> list[Path]:
            return [*plan.write_needs(beside), *more()]

        def ended(written: list[Path], error: BaseException | None) -> None:
            self._set_busy(False)
            if error is None:
                results_went_to(place.parent)
                done(written)
            else:
                self._say(str(error))

        self._set_busy(True)
        run_in_thread(write, ended)

    def _on_finished(self) -> None:
        self._is_open = False

    def _say(self, text: str) -> None:
        if self._is_open:
            self.status.setText(text)

    def _set_busy(self, busy: bool) -> None:
        if not self._is_open:  # closed while files were written
            return
        self.status.setText("writing…" if busy else "")
        for part in (self.copy_button, self.save_button, self.place):
            part.setEnabled(not busy)


def _needs_in_words(plan: Plan) -> tuple[str, ...]:
    names = " and ".join(plan.needs)
    return (f"Copy and Save also write {names}, which the command reads.",) if names else ()


def _written(paths: list[Path]) -> list[str]:
    return [f"Wrote {path}" for path in paths]
