"""What the operating system reports with a number and a file name alone, in words."""

from __future__ import annotations

import errno

_SAYS = {
    errno.ENOENT: "there is no such file or folder.",
    errno.EISDIR: "is a folder, a file is expected here.",
    errno.ENOTDIR: "a part of this path is a file, not a folder.",
    errno.ENAMETOOLONG: "the name is too long.",
    errno.ELOOP: "links lead in a circle.",
    errno.EEXIST: "exists already; choose another name.",
    errno.EIO: "the disk or the network drive cannot read it; copy it again.",
    errno.EACCES: "permission denied. Close it in other programs, or choose another place.",
    errno.EPERM: "permission denied. Close it in other programs, or choose another place.",
}
_MOST_CHARACTERS = 500


def error_words(error: BaseException) -> str:
    """An error in one line, without the middle of what is far too long."""
    if isinstance(error, OSError) and error.errno in _SAYS and error.filename:
        return f"{_short(str(error.filename))}: {_SAYS[error.errno]}"
    return _short(" ".join(str(error).split()) or type(error).__name__)


def _short(text: str) -> str:
    """The text without the middle, such as that of a cell of a megabyte."""
    if len(text) <= _MOST_CHARACTERS:
        return text
    half = _MOST_CHARACTERS // 2
    return f"{text[:half]} ... {text[-half:]}"
