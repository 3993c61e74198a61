"""Whether the workspace that is to be saved may take the place of a file."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QMessageBox, QWidget

from napari_amseg.plugin.workbench.desk import WorkspaceDesk
from napari_amseg.plugin.workbench.saving import workspace_path


def save_asking(parent: QWidget, desk: WorkspaceDesk, typed: Path) -> None:
    """Save under a typed name; asked is about what the dialog for names did not ask."""
    path = workspace_path(typed)
    if not path.exists() or desk.is_open(path):
        desk.save(path)
        return
    is_asked = path == typed and path != desk.path  # by the dialog for names
    if is_asked or _is_wanted(parent, path, is_open=path == desk.path):
        desk.save(path, may_replace=True)


def _is_wanted(parent: QWidget, path: Path, *, is_open: bool) -> bool:
    what = "was saved from another window since" if is_open else "exists, and is another workspace"
    buttons = QMessageBox.StandardButton
    answer = QMessageBox.question(
        parent,
        "Save workspace",
        f"{path.name} {what}.\nReplace it? Its label files stay.",
        buttons.Yes | buttons.No,
        buttons.No,
    )
    return answer == buttons.Yes
