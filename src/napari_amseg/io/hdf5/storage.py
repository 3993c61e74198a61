"""How a dataset is kept: in which files, packed how, and whether all of it was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from math import prod
from pathlib import Path
from typing import Any

import h5py

from napari_amseg.io.address import join_address
from napari_amseg.io.hdf5.links import BROKEN, linked_file, missing_file

# Filters that HDF5 and h5py bring: deflate, shuffle, fletcher32, szip, nbit, scaleoffset, LZF.
_OWN_FILTERS = frozenset((1, 2, 3, 4, 5, 6, 32000))
_NEEDS_FORMATS = 'pip install "napari-amseg[formats]"'
_MOST_BYTES = 2**31  # of a frame or a chunk: more is a damaged header


class Storage:
    """Where the images of a dataset are.

    Attributes
    ----------
    files : the files that hold its bytes. packed_together : images in one packed chunk, 1 where
        each can be read by itself. notes : what is missing of it.

    Raises
    ------
    ValueError
        If a source of a virtual dataset is missing, nothing was ever written, or it is packed in
        a way that cannot be unpacked here.
    """

    def __init__(self, dataset: Any, path: str) -> None:
        self.files: list[str] = [dataset.file.filename]
        self.packed_together = 1
        self.notes: list[str] = []
        _require_sound_size(dataset, path)
        if dataset.is_virtual:
            self._of_sources(dataset, path)
        else:
            self._of_one(dataset, path)
            self._require_written(dataset, path)

    def _of_one(self, dataset: Any, path: str) -> None:
        properties = dataset.id.get_create_plist()
        if properties.get_external_count():
            raise ValueError(
                f"{path}: keeps {dataset.name} in raw files beside it, which are not read. Write "
                "it into one file with h5repack."
            )
        if properties.get_nfilters():
            _require_filters(properties, dataset.name, path)
            if dataset.ndim == 3:
                self.packed_together = max(self.packed_together, dataset.chunks[0])

    def _require_written(self, dataset: Any, path: str) -> None:
        if dataset.id.get_storage_size() == 0 and prod(dataset.shape):
            raise ValueError(
                f"{path}: {dataset.name} has a shape but no pixel was ever written to it. Was the "
                "scan stopped, or is the file of another part of the scan?"
            )
        if dataset.chunks:
            steps = zip(dataset.shape, dataset.chunks, strict=True)
            promised = prod(-(-n // step) for n, step in steps)
            held = dataset.id.get_num_chunks()
            if held < promised:
                self.notes.append(
                    f"{promised - held} of {promised} chunks were never written: those pixels "
                    f"read as {dataset.fillvalue}. Was the scan stopped?"
                )

    def _of_sources(self, dataset: Any, path: str) -> None:
        """A virtual dataset: HDF5 itself would fill what is missing with a value, in silence."""
        mapped = []
        for source in dataset.virtual_sources():
            mapped.append(source.vspace.get_select_npoints())
            for file, name in _places(source, dataset.file.filename, path):
                if file not in self.files:
                    self.files.append(file)
                self._of_source(file, name, source, path)
        promised = prod(dataset.shape)
        if min(mapped, default=0) >= 0 and sum(mapped) < promised:  # negative: grows without limit
            self.notes.append(
                f"{1 - sum(mapped) / promised:.1%} of the virtual dataset has no source: those "
                f"pixels read as {dataset.fillvalue}"
            )

    def _of_source(self, file: str, name: str, mapping: Any, path: str) -> None:
        with _reading(file, path) as opened:
            source = _source(opened, name, path)
            _require_sound_size(source, path)
            if not source.is_virtual:
                self._of_one(source, path)
            if _is_short(source, mapping):  # HDF5 1.14.6 fails on such, and crashes at exit
                raise ValueError(
                    f"{path}: takes more from {file} than the {len(source)} images it holds. Is "
                    f"it whole? To read what is there, open {join_address(file, name)}."
                )


def _is_short(source: Any, mapping: Any) -> bool:
    """Whether a source has fewer pixels than a virtual dataset takes from it."""
    region = mapping.src_space
    if region.get_select_type() == h5py.h5s.SEL_ALL:
        return bool(mapping.vspace.get_select_npoints() > source.size)
    try:
        last = region.get_select_bounds()[1]
    except (ValueError, RuntimeError):  # a region without limit
        return False
    return any(end >= n for end, n in zip(last, source.shape, strict=True))


def _places(source: Any, virtual_file: str, path: str) -> Iterator[tuple[str, str]]:
    """File and dataset of a source; several files where the name counts them (``%b``)."""
    for block in count():
        file, name = (
            text.replace("%b", str(block)) for text in (source.file_name, source.dset_name)
        )
        found = Path(virtual_file) if file == "." else linked_file(file, virtual_file)
        if found is None:
            if block:
                return
            raise ValueError(f"{path}: takes frames from {missing_file(file, virtual_file)}.")
        yield str(found), name
        if "%b" not in source.file_name:
            return


def _source(opened: Any, name: str, path: str) -> Any:
    try:
        source = opened[name]
    except BROKEN:
        source = None
    if not isinstance(source, h5py.Dataset):
        raise ValueError(
            f"{path}: takes frames from {name} in {opened.filename}, where it is not. Is that "
            "file whole, and the one that belongs here?"
        )
    return source


def _require_sound_size(dataset: Any, path: str) -> None:
    """Raise ValueError where a frame or a chunk would need more memory than any camera fills."""
    pixels = max(prod(dataset.shape[-2:]), prod(dataset.chunks or (0,)))
    if pixels * dataset.dtype.itemsize > _MOST_BYTES:
        raise ValueError(
            f"{path}: {dataset.name} of shape {'x'.join(map(str, dataset.shape))} claims "
            f"{pixels * dataset.dtype.itemsize / 2**30:,.0f} GiB for one frame or chunk: is the "
            "file damaged?"
        )


def _reading(file: str, path: str) -> Any:
    try:
        return h5py.File(file, "r")
    except OSError as error:
        raise ValueError(f"{path}: its source {file} cannot be opened ({error}).") from None


def _require_filters(properties: Any, name: str, path: str) -> None:
    """Raise ValueError unless what a dataset is packed with is HDF5's own or in hdf5plugin.

    Other plugins, which HDF5 would load from where an environment variable points, are not used.
    """
    for i in range(properties.get_nfilters()):
        code, _, _, title = properties.get_filter(i)
        if code in _OWN_FILTERS:
            continue
        kind = title.decode("utf-8", "replace") or f"filter {code}"
        known: set[int] = set()
        with suppress(ImportError):
            import hdf5plugin  # registers its filters

            known = set(hdf5plugin.FILTERS.values())
        if code not in known:
            raise ValueError(
                f"{path}: {name} is compressed with {kind} (HDF5 filter {code}), which cannot be "
                f"unpacked here. Install it: {_NEEDS_FORMATS}; or repack the file: "
                "h5repack -f GZIP=1 OLD NEW."
            )
