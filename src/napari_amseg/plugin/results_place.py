"""Where results are proposed to go: where the last ones went, never among raw frames."""

from __future__ import annotations

import os
from pathlib import Path

from napari_amseg.io.address import split_address
from napari_amseg.pipeline.command_parts import absolute
from napari_amseg.plugin.preferences import preferences
from napari_amseg.types import Stack


class _Last:
    """The folder of the last export of this session."""

    folder: Path | None = None


def results_went_to(folder: Path) -> None:
    """Remember where results were written; the next are proposed to go there too."""
    _Last.folder = folder


def results_start(name: str = "") -> str:
    """Where a dialog for results begins, for `name` there; the name alone if nobody chose a folder
    yet: the system then knows where.
    """
    if _Last.folder is not None and _Last.folder.is_dir():
        return str(_Last.folder / name)
    return preferences().start(name)


def results_place(name: str, stack: Stack | None = None) -> Path:
    """A place of that name for the results of a stack: the last folder, else the preferred one,
    else the working folder or, where nothing can be written, the home folder. Of the folder of
    numbered images, the one that it lies in.
    """
    start = results_start()
    folder = Path(start) if start else Path.cwd()
    if not start and not os.access(folder, os.W_OK):
        folder = Path.home()
    while folder in _folders_of_frames(stack) and folder != folder.parent:
        folder = folder.parent
    return folder.absolute() / name


def _folders_of_frames(stack: Stack | None) -> set[Path]:
    """The folders of a stack of numbered images; none for a stack in one file."""
    if stack is None or not stack.address:
        return set()
    places = {split_address(absolute(address))[0] for address in stack.address}
    if len(stack.files) > 1:
        places |= {Path(absolute(file)) for file in stack.files}
    folders = {place for place in places if place.is_dir()}
    return folders | (
        {place.parent for place in places - folders} if len(stack.files) > 1 else set()
    )
