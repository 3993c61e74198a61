"""Which stacks lie in a watched folder by now, and what has changed about them."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from napari_amseg.io.growing import frames_in
from napari_amseg.io.read import READERS
from napari_amseg.io.sequence import counter_place, numeric_key

_NUMBER = re.compile(r"\d+")
_RESULTS = ("_labels", "_confidence")
_AROUND_COUNTERS = " _-.()[]"
Seen = tuple[str, int, int]  # path, bytes, time of the last change in ns


@dataclass(frozen=True, slots=True)
class Source:
    """A stack in the folder: one file of several frames, or a numbered sequence of images.

    Attributes
    ----------
    key : the same for the same stack as it grows. name : for people, relative to the folder.
    stem : what its results are called. files : in order of their numbers.
    whole : how many of the leading images of a sequence are whole, without a number missing.
    seen : path, size and time of every file: differs when anything has changed.
    """

    key: str
    name: str
    stem: str
    files: tuple[Path, ...]
    is_sequence: bool
    whole: int
    seen: tuple[Seen, ...]

    def state(self) -> dict[str, int]:
        """Size and time of its files, for the run record: by this a stack is known again."""
        return {
            "files": len(self.seen),
            "bytes": sum(size for _, size, _ in self.seen),
            "changed_ns": max(time_ns for *_, time_ns in self.seen),
        }

    def unchanged(self) -> bool:
        """Whether its files are on disk as they were seen."""
        try:
            return all(_look(Path(path)) == (path, size, at) for path, size, at in self.seen)
        except OSError:
            return False


class FolderScan:
    """Looks into a folder again and again; opens a file only when it is new or has changed.

    folder : with its sub-folders; hidden ones and links are left out. skip : a folder, or files,
    that are not looked at: the results, flat fields.
    """

    def __init__(self, folder: Path, skip: set[Path]) -> None:
        self._folder, self._skip = folder.resolve(), skip
        self._known: dict[str, tuple[Seen, int | None]] = {}

    def look(self) -> list[Source]:
        """The stacks there are, in the order of their names.

        Raises
        ------
        OSError
            If the folder cannot be read.
        """
        sources: list[Source] = []
        present: set[str] = set()
        for folder, seen in self._walk():
            present |= {path for path, *_ in seen}
            sources += self._of_folder(folder, seen)
        self._known = {path: known for path, known in self._known.items() if path in present}
        return sorted(sources, key=lambda s: numeric_key(Path(s.key.replace(os.sep, " "))))

    def _walk(self) -> Iterator[tuple[Path, list[Seen]]]:
        """Every folder with the images in it."""
        waiting = [self._folder]
        while waiting:
            folder = waiting.pop()
            seen: list[Seen] = []
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        path = Path(entry.path)
                        if entry.name[0] == "." or path in self._skip:
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(path)
                        elif _is_image(path):
                            seen.append(_look(path))
            except FileNotFoundError:  # went while we looked
                if folder == self._folder and not folder.is_dir():
                    raise
                continue
            yield folder, seen

    def _frames(self, seen: Seen) -> int | None:
        """How many frames a file holds, None while it cannot be read; 2 stands for several."""
        path, size, _ = seen
        before, frames = self._known.get(path, (None, None))
        if before == seen:
            return frames
        several = frames is not None and frames > 1 and before is not None and size >= before[1]
        if not several:  # a file of several frames is not opened each time it grows
            frames = frames_in(Path(path))
        self._known[path] = (seen, frames)
        return frames

    def _of_folder(self, folder: Path, seen: list[Seen]) -> Iterator[Source]:
        """Files of several frames are stacks; numbered images make sequences."""
        families: dict[str, list[Seen]] = defaultdict(list)
        for one in seen:
            if (self._frames(one) or 0) > 1:
                yield self._of_file(folder, one)
            else:
                families[_NUMBER.sub("*", Path(one[0]).name)].append(one)
        groups = [group for family in families.values() for group in _by_counter(family)]
        sequences = [g for g in groups if any(self._frames(one) == 1 for one in g.members)]
        for group in groups:
            if group in sequences:
                yield self._of_sequence(folder, group, alone=len(sequences) == 1)
            else:  # nothing in it can be read yet
                yield from (self._of_file(folder, one) for one in group.members)

    def _of_file(self, folder: Path, one: Seen) -> Source:
        path = Path(one[0])
        base = path.name.removesuffix(path.suffix).removesuffix(".ome")
        within = folder.relative_to(self._folder)
        stem = "_".join((*within.parts, base))
        return Source(one[0], str(within / path.name), stem, (path,), False, 0, (one,))

    def _of_sequence(self, folder: Path, group: _Group, *, alone: bool) -> Source:
        within = folder.relative_to(self._folder)
        if not within.parts:
            stem = group.base or folder.name or "stack"
        else:
            stem = "_".join((*within.parts, *(() if alone else (group.base,))))
        key, name = str(folder / group.pattern), str(within / group.pattern)
        files = tuple(Path(path) for path, *_ in group.members)
        whole = self._whole(group)
        return Source(key, name, stem, files, True, whole, tuple(group.members))

    def _whole(self, group: _Group) -> int:
        """How many leading images are whole and follow each other by the smallest step; the last
        is left out, as it may have its length before its bytes.
        """
        steps = [b - a for a, b in pairwise(group.counters)]
        usual = min(steps, default=1)
        n = len(group.members) - 1
        for i, one in enumerate(group.members[:n]):
            if self._frames(one) != 1 or (i and steps[i - 1] != usual):
                return i
        return n


@dataclass(frozen=True, slots=True)
class _Group:
    """Images whose names differ in one number. base : the name without it."""

    pattern: str
    base: str
    members: list[Seen]
    counters: list[int]


def _by_counter(family: list[Seen]) -> Iterator[_Group]:
    """Names that differ in numbers only, split by every number but the one that counts frames."""
    place = counter_place([Path(path) for path, *_ in family])
    groups: dict[tuple[str, str], list[tuple[int, Seen]]] = defaultdict(list)
    for one in family:
        path = Path(one[0])
        numbers = list(_NUMBER.finditer(path.name))
        if not numbers:
            yield _Group(path.name, path.stem, [one], [0])
            continue
        counter = numbers[place]
        around = path.name[: counter.start()], path.name[counter.end() :]
        groups[around].append((int(counter[0]), one))
    for (before, after), numbered in groups.items():
        numbered.sort()
        counters, members = zip(*numbered, strict=True)
        yield _Group(f"{before}*{after}", _base(before, after), list(members), list(counters))


def _base(before: str, after: str) -> str:
    """What is left of a name without its counter and what set that off."""
    parts = (before.rstrip(_AROUND_COUNTERS), Path(f"x{after}").stem[1:].strip(_AROUND_COUNTERS))
    return "_".join(part for part in parts if part)


def _is_image(path: Path) -> bool:
    """Whether a file may be a camera's: results that lie about are not."""
    return path.suffix.lower() in READERS and not path.stem.endswith(_RESULTS)


def _look(path: Path) -> Seen:
    found = path.stat()
    return str(path), found.st_size, found.st_mtime_ns
