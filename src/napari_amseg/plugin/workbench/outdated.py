"""Label files of earlier saves: deleted only where nothing can be lost with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from napari_amseg.plugin.workbench.folder import token_of
from napari_amseg.provenance import sha256


def delete_outdated(files: Iterable[Path], own: Mapping[Path, str], workspace: Path) -> None:
    """Delete label files whose layers are in newer ones; what cannot be deleted stays.

    A file stays if it has another name than ours, is not what this session wrote or opened, or
    if a workspace in the folder names it: a copy of an earlier one, or `workspace` itself.

    own : SHA-256 of what this session wrote or opened.
    """
    for file in files:
        token = token_of(file)
        with suppress(OSError):
            is_ours = bool(token) and own.get(file) == sha256(file)
            if is_ours and not _is_named(token, workspace.parent):
                file.unlink()


def _is_named(token: str, folder: Path) -> bool:
    """Raises OSError if a workspace cannot be read: it may name the file."""
    found = (p for p in folder.iterdir() if ".amseg" in p.name and ".json" in p.name)
    return any(token.encode() in path.read_bytes() for path in found if path.is_file())
