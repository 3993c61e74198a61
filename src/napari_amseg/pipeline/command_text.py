"""A command as text: one line to paste, or a script."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Sequence
from itertools import pairwise

_PLAIN_ON_WINDOWS = re.compile(r"[\w\-./\\:=+]+")
# PowerShell takes typographic double quotes for plain ones.
_SPECIAL_ON_WINDOWS = re.compile('[%$`"!\r\n\u201c\u201d\u201e]')


def shell_text(words: Sequence[str], *, windows: bool = False) -> str:
    """The words as one line for a POSIX shell, or for cmd and PowerShell alike.

    Raises
    ------
    ValueError
        On Windows, if a word holds a character that those two read differently.
    """
    return " ".join(map(_for_windows, words)) if windows else shlex.join(words)


def script_text(words: Sequence[str], *, windows: bool = False) -> str:
    """The command as a script, an option a line. Raises as :func:`shell_text`."""
    begins = [i for i, word in enumerate(words) if i > 1 and word.startswith("-")]
    cuts = [0, *begins, len(words)]
    lines = [shell_text(words[a:b], windows=windows) for a, b in pairwise(cuts)]
    if windows:
        return "@echo off\r\nchcp 65001 >nul\r\n" + " ^\r\n  ".join(lines) + "\r\n"
    return "#!/bin/sh\n" + " \\\n  ".join(lines) + "\n"


def _for_windows(word: str) -> str:
    if _SPECIAL_ON_WINDOWS.search(word):
        raise ValueError(
            f"{word}: holds a character that cmd and PowerShell read differently (one of "
            '% $ ` ! ", also typographic): rename the file or folder.'
        )
    if _PLAIN_ON_WINDOWS.fullmatch(word):
        return word
    quoted = subprocess.list2cmdline([word])
    return quoted if quoted.startswith('"') else f'"{quoted}"'
