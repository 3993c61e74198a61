"""A TIFF file opened so that damage shows at once, in one kind of error."""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tifffile

# What the disk or the machine lacks is no damage of the file.
NOT_DAMAGE = (MemoryError, FileNotFoundError, IsADirectoryError, PermissionError)
# What tifffile stumbles over where tags are not what they should be.
_FROM_DAMAGE = (
    TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RuntimeError,
    struct.error,
)  # fmt: skip


def _why_unreadable(path: Path, error: Exception) -> str:
    if path.stat().st_size == 0:
        return "the file is empty, 0 bytes. Copy it again."
    if isinstance(error, tifffile.TiffFileError) and "header" in str(error):
        return "not a readable TIFF file: it does not begin as one. Give the file of the frames."
    why = error if isinstance(error, tifffile.TiffFileError) else "its directory is damaged"
    return f"not a readable TIFF file ({why}). Copy it again."


@contextmanager
def opened(path: Path, *, keep: bool = False) -> Iterator[tifffile.TiffFile]:
    """A TiffFile whose structure is sound; closed at the end unless `keep` and all went well.

    Raises
    ------
    ValueError
        If it is no TIFF, or damaged; also where the block stumbles over that.
    """
    with _tifffile_errors() as errors:
        try:
            tif = tifffile.TiffFile(path)
        except NOT_DAMAGE:
            raise
        except Exception as error:  # damaged bytes can raise anything in tifffile
            raise ValueError(f"{path}: {_why_unreadable(path, error)}") from error
        sound = False
        try:
            len(tif.pages)  # walks the whole chain of directories, so that a cut file shows now
            if errors:
                raise ValueError(
                    f"{path}: TIFF file is truncated or damaged ({errors[0]}). Copy it again."
                )
            yield tif
            sound = True
        except (tifffile.TiffFileError, *_FROM_DAMAGE) as error:
            raise ValueError(
                f"{path}: TIFF file is damaged ({type(error).__name__} in its directories). "
                "Copy it again."
            ) from error
        finally:
            if not (keep and sound):
                tif.close()


@contextmanager
def _tifffile_errors() -> Iterator[list[str]]:
    """Collect what tifffile only logs: it reads past a broken chain in silence otherwise."""
    logger = logging.getLogger("tifffile")
    found: list[str] = []
    thread = threading.get_ident()

    class Collect(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            mine = record.thread == thread
            if mine and record.levelno >= logging.ERROR:
                found.append(record.getMessage())
            return not mine

    collect = Collect()
    logger.addFilter(collect)
    try:
        yield found
    finally:
        logger.removeFilter(collect)
