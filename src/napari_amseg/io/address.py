"""Addresses of what lies inside a file: ``FILE::DATASET``, ``FILE::flats``, ``FILE::darks``."""

from __future__ import annotations

import os
import re
from pathlib import Path

SEPARATOR = "::"
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx")

_ADDRESS = re.compile(
    rf"(.+?(?:{'|'.join(map(re.escape, HDF5_SUFFIXES))})){SEPARATOR}(.*)",
    re.IGNORECASE | re.DOTALL,
)


def split_address(address: str | os.PathLike[str]) -> tuple[Path, str]:
    """The file, and what is named inside it: '' where nothing is."""
    found = _ADDRESS.fullmatch(os.fspath(address))
    if found is None:
        return Path(address), ""
    return Path(found[1]), found[2].replace("\\", "/")  # Path writes '\' on Windows


def file_name(address: str | os.PathLike[str]) -> str:
    """The name of the file of an address, without its folder."""
    return split_address(address)[0].name


def join_address(file: str | os.PathLike[str], *inside: str) -> str:
    """``FILE::INSIDE``, without the parts that are empty."""
    return SEPARATOR.join((os.fspath(file), *filter(None, inside)))
