"""A command before its results have a place: what it needs, and what it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_amseg.annotate.same_images import has_images, image_hashes
from napari_amseg.io import OutputFiles, read_stack, write_json
from napari_amseg.pipeline.command_parts import Words, stack_word, with_full_paths
from napari_amseg.preprocess import Chain, chain_mark, read_chain
from napari_amseg.types import Stack

Writer = Callable[[Path], None]
MakePlan = Callable[[], "Plan"]


@dataclass(frozen=True)
class Plan:
    """A command to be shown.

    Attributes
    ----------
    stem : what the names of its files begin with.
    place : where the results could go: a folder, or a file if `into_file`.
    words : gives the command for a place and the folder of the files it needs.
    needs : these files by name, with what writes them.
    notes : where the command does something else than was clicked.
    """

    stem: str
    place: Path
    words: Callable[[Path, Path], Words]
    into_file: bool = False
    needs: Mapping[str, Writer] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def write_needs(self, folder: Path) -> list[Path]:
        """Write the files that the command needs; gives them.

        Raises
        ------
        OSError
            If one cannot be written, or another file of its name must stay.
        """
        for name, write in self.needs.items():
            write(folder / name)
        return [folder / name for name in self.needs]


def chain_need(stem: str, chain: Chain) -> dict[str, Writer]:
    """The file of a chain, with its statistics; none for a chain without steps."""
    if not chain.steps:
        return {}

    def write(path: Path) -> None:
        if path.exists():
            if read_chain(path) != with_full_paths(chain):
                raise FileExistsError(f"{path}: exists and was edited; choose another place.")
            return
        with OutputFiles(path.parent) as files:
            write_json(files.path(path.name), with_full_paths(chain).to_json())

    return {chain_name(stem, chain): write}


def chain_name(stem: str, chain: Chain) -> str:
    """What the file of a chain is called: another chain has another name, so that commands which
    were exported earlier keep theirs.
    """
    return f"{stem}_chain_{chain_mark(with_full_paths(chain))}.json"


def require_stated(stack: Stack, opened: Stack) -> None:
    """Refuse a stack whose file states what the viewer was told to forget.

    opened : the same stack as a command opens it.

    Raises
    ------
    ValueError
        If pixel size or frame rate are unknown here, but not there.
    """
    for name in ("pixel_size_um", "frame_rate_hz"):
        if getattr(stack.experiment, name) is None and getattr(opened.experiment, name) is not None:
            raise ValueError(
                f"the {name.rsplit('_', 1)[0].replace('_', ' ')} is unknown here, but the file "
                "states one, which a command would take: fill it in."
            )


def as_command_opens(stack: Stack) -> Stack:
    """The stack with what a command is given as its address, worked out once: a folder of
    thousands of files takes a second. Refuses one that a command would open with other frames or
    numbers.

    Raises
    ------
    ValueError, OSError
        As :func:`stack_word`; if its files are gone or have changed; see :func:`.require_stated`.
    """
    word = stack_word(stack)
    with read_stack(word) as opened:
        if opened.shape != stack.shape or opened.dtype != stack.dtype:
            raise ValueError(
                f"{word} has changed since it was opened: it holds frames of "
                f"{opened.shape}, {opened.dtype}. Open it again."
            )
        if not has_images(opened, image_hashes(stack)):
            raise ValueError(
                f"{word} has changed since it was opened: it holds other images. Open it again."
            )
        require_stated(stack, opened)
    return replace(stack, opened_as=(word,))
