"""Which stacks lie in a watched folder by now, and what has changed about them."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from napari_amseg.io.camera.photron import HEADER_SUFFIXES
from napari_amseg.io.growing import frames_and_files
from napari_amseg.io.read import READERS
from napari_amseg.io.sequence import FRAME_SUFFIXES, counter_place, numeric_key
from napari_amseg.pipeline.watch.seen import FolderImages, Seen, seen

_NUMBER = re.compile(r"\d+")
_LABELS = re.compile(
    r"(?:label|(?:.*[_-])?labels)(?P<frame>[ _.-]?\d+)?", re.IGNORECASE | re.DOTALL
)
_RESULTS = ("_confidence",)  # beside labels, which may be anybody's
_AROUND_COUNTERS = " _-.()[]"


@dataclass(frozen=True, slots=True)
class Source:
    """A stack in the folder: one file of several frames, or a numbered sequence of images.

    Attributes
    ----------
    key : the same for the same stack as it grows. name : for people, relative to the folder.
    stem : what its results are called. files : in order of their numbers; of a recording the one
        that is opened.
    whole : how many of the leading images of a sequence are whole, without a number missing.
    seen : path, size and time of every file, those that belong to a recording too: differs when
        anything has changed.
    """

    key: str
    name: str
    stem: str
    files: tuple[Path, ...]
    is_sequence: bool
    whole: int
    seen: tuple[Seen, ...]

    def is_named(self, path: object) -> bool:
        """Whether a run record with this `source` is of this stack: of a recording any file may
        be the one that was opened.
        """
        named = self.files[:1] if self.is_sequence else [Path(file) for file, *_ in self.seen]
        return path in {str(file.resolve()) for file in named}

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
            return all(seen(Path(path)) == (path, size, at) for path, size, at in self.seen)
        except OSError:
            return False


class FolderScan:
    """Looks into a folder again and again; opens a file only when it is new or has changed.

    folder : with its sub-folders; hidden ones and links are left out. skip : a folder, or files,
    that are not looked at: the results, flat fields.

    Attributes
    ----------
    labels : what calls itself labels and was left out; for people, relative to `folder`, with a
        ``*`` for the number of a frame.
    """

    def __init__(self, folder: Path, skip: set[Path]) -> None:
        self.labels: set[str] = set()
        self._folder, self._skip = folder.resolve(), {str(path) for path in skip}
        self._known: dict[str, tuple[Seen, int | None]] = {}
        self._linked: dict[str, tuple[str, ...]] = {}  # by recording, its other files
        self._images: dict[Path, FolderImages] = {}
        self._sources: dict[Path, list[Source]] = {}

    def look(self) -> list[Source]:
        """The stacks there are, in the order of their names.

        Raises
        ------
        OSError
            If the folder cannot be read.
        """
        there = dict(self._walk())
        for folder in self._sources.keys() - there.keys():
            del self._sources[folder]
            self._images.pop(folder, None)
        for folder, paths in there.items():
            images = self._images.pop(folder, None) or FolderImages()  # away if this look fails
            if images.look(paths, self._is_image) or folder not in self._sources:
                self._sources[folder] = list(self._of_folder(folder, images.all()))
            self._images[folder] = images
        present = {path for paths in there.values() for path in paths}
        for path in self._known.keys() - present:
            del self._known[path]
            self._linked.pop(path, None)
        linked = {path for files in self._linked.values() for path in files}
        sources = [
            source
            for of_folder in self._sources.values()
            for source in of_folder
            if str(source.files[0]) not in linked
        ]
        return sorted(sources, key=lambda s: numeric_key(Path(s.key.replace(os.sep, " "))))

    def forget(self, source: Source) -> None:
        """Ask the disk for all files beside those of a stack at the next look."""
        self._images.pop(source.files[0].parent, None)

    def _walk(self) -> Iterator[tuple[Path, list[str]]]:
        """Every folder with the images in it."""
        waiting = [self._folder]
        while waiting:
            folder = waiting.pop()
            paths: list[str] = []
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.name[0] == "." or entry.is_symlink() or entry.path in self._skip:
                            continue
                        labels = _labels_name(entry)
                        if labels is not None:
                            self.labels.add(str(folder.relative_to(self._folder) / labels))
                        elif entry.is_dir():
                            waiting.append(Path(entry.path))
                        elif _is_image(entry.name):
                            paths.append(entry.path)
            except FileNotFoundError:  # went while we looked
                if folder == self._folder and not folder.is_dir():
                    raise
                continue
            yield folder, paths

    def _is_image(self, path: str) -> bool:
        """Whether a file was found to hold a whole frame, and one only."""
        return self._known.get(path, (None, None))[1] == 1

    def _frames(self, one: Seen) -> int | None:
        """How many frames a file holds, None while it cannot be read; 2 stands for several."""
        path, size, _ = one
        before, frames = self._known.get(path, (None, None))
        recording = _is_recording(path)
        if before == one and not (recording and frames is None):  # it may have waited for others
            return frames
        several = frames is not None and frames > 1 and before is not None and size >= before[1]
        if not several:  # a file of several frames is not opened each time it grows
            frames, files = frames_and_files(Path(path)) or (None, ())
            if recording:
                frames = 2 if frames == 1 else frames  # never an image of a sequence
                resolved = (str(Path(file).resolve()) for file in files)
                self._linked[path] = tuple(file for file in resolved if file != path)
        self._known[path] = (one, frames)
        return frames

    def _of_folder(self, folder: Path, images: list[Seen]) -> Iterator[Source]:
        """Files of several frames are stacks; numbered images make sequences."""
        families: dict[str, list[Seen]] = defaultdict(list)
        for one in images:
            if one[0].lower().endswith(HEADER_SUFFIXES):
                continue  # the recording is its data file
            if (self._frames(one) or 0) > 1:
                yield self._of_file(folder, one)
            else:
                families[_NUMBER.sub("*", os.path.basename(one[0]))].append(one)
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
        others: list[Seen] = []
        for linked in self._linked.get(one[0], ()):
            with suppress(OSError):  # went while we looked: the next look tells
                others.append(seen(Path(linked)))
        name = str(within / path.name)
        return Source(one[0], name, stem, (path,), False, 0, (one, *others))

    def _of_sequence(self, folder: Path, group: _Group, *, alone: bool) -> Source:
        within = folder.relative_to(self._folder)
        if not within.parts:
            stem = group.base or folder.name or "stack"
        else:
            stem = "_".join((*within.parts, *(() if alone else (group.base,))))
        key, name = str(folder / group.pattern), str(within / group.pattern)
        whole = self._whole(group)
        return Source(key, name, stem, tuple(group.files), True, whole, tuple(group.members))

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
    files: list[Path]
    counters: list[int]


def _by_counter(family: list[Seen]) -> Iterator[_Group]:
    """Names that differ in numbers only, split by every number but the one that counts frames."""
    files = [Path(path) for path, *_ in family]
    place = counter_place(files)
    groups: dict[tuple[str, str], list[tuple[int, Seen, Path]]] = defaultdict(list)
    for one, path in zip(family, files, strict=True):
        numbers = list(_NUMBER.finditer(path.name))
        if not numbers:
            yield _Group(path.name, path.stem, [one], [path], [0])
            continue
        counter = numbers[place]
        around = path.name[: counter.start()], path.name[counter.end() :]
        groups[around].append((int(counter[0]), one, path))
    for (before, after), numbered in groups.items():
        numbered.sort()
        counters, members, paths = (list(column) for column in zip(*numbered, strict=True))
        yield _Group(f"{before}*{after}", _base(before, after), members, paths, counters)


def _base(before: str, after: str) -> str:
    """What is left of a name without its counter and what set that off."""
    parts = (before.rstrip(_AROUND_COUNTERS), Path(f"x{after}").stem[1:].strip(_AROUND_COUNTERS))
    return "_".join(part for part in parts if part)


def _is_recording(path: str) -> bool:
    """Whether a file is a stack of its own by its kind, never an image of a sequence."""
    return not path.lower().endswith(FRAME_SUFFIXES)


def _labels_name(entry: os.DirEntry[str]) -> str | None:
    """What a folder or an image is called that says it holds labels, or None: ``label.tif``,
    ``run-Labels_*.png``. A ``white-label.h5`` does not say so.
    """
    base, suffix = os.path.splitext(entry.name)
    if suffix.lower() not in READERS:
        base, suffix = entry.name, ""
    named = _LABELS.fullmatch(re.sub(r"\.ome$", "", base, flags=re.IGNORECASE))
    if named is None or not (suffix or entry.is_dir()):
        return None
    if not named["frame"]:
        return entry.name
    return f"{named[0].rstrip('0123456789')}*{entry.name[named.end() :]}"


def _is_image(name: str) -> bool:
    """Whether a file may be a camera's: results that lie about are not."""
    base, suffix = os.path.splitext(name)
    return suffix.lower() in READERS and not base.endswith(_RESULTS)
