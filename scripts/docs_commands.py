"""What the documentation tells a reader to do: commands, Python code, files to write.

Pages are Markdown. Commands stand in fenced blocks (``bash``, ``sh`` or no language) or in indented
ones, a line each, continued with a backslash; a block counts if its first line begins with a
command of `STARTERS`. ``python`` blocks are code. A fenced block with ``title="name"`` is a file
the reader is asked to write. ``text`` blocks show output and are not for typing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

STARTERS = (
    "amseg", "cd", "conda", "docker", "export", "git", "make", "mkdir", "mkdocs", "napari", "npe2",
    "pip", "pre-commit", "pytest", "python", "sbatch", "setx", "sh", "source", "sudo", "xvfb-run",
)  # fmt: skip
_SHELL = ("", "bash", "sh", "shell", "console", "powershell")
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|~~~+)\s*(?P<info>.*)$")
_TITLE = re.compile(r'title="(?P<name>[^"]+)"')
_VARIABLE = re.compile(r"^[A-Z_]+=\S+$")
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """One block of a page; `kind` is shell, python, file, text or other."""

    kind: str
    text: str
    line: int
    name: str = ""  # of the file to write


@dataclass(frozen=True)
class Command:
    """One command line, as a shell would split it."""

    line: int
    text: str
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        """Its first word, without the environment it lies in and variables set for it."""
        word = next(w for w in self.words if not _VARIABLE.match(w))
        return word.replace("\\", "/").removeprefix(".venv/bin/")

    @property
    def arguments(self) -> list[str]:
        """What follows the program."""
        at = next(i for i, w in enumerate(self.words) if not _VARIABLE.match(w))
        return list(self.words[at + 1 :])


def pages(root: Path) -> list[Path]:
    """The pages for readers: README, contributing guide, all Markdown below docs."""
    top = [root / "README.md", root / "CONTRIBUTING.md"]
    return [p for p in (*top, *sorted((root / "docs").rglob("*.md"))) if p.is_file()]


def blocks(text: str) -> Iterator[Block]:
    """Fenced and indented blocks of a page, in order."""
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        fence = _FENCE.match(lines[i])
        if fence:
            end = i + 1
            while end < len(lines) and not lines[end].strip().startswith(fence["fence"]):
                end += 1
            indent = len(fence["indent"])
            body = "\n".join(line[indent:] for line in lines[i + 1 : end])
            yield _fenced(fence["info"].strip(), body, i + 2)
            i = end + 1
        elif lines[i].startswith("    ") and lines[i].strip() and (i == 0 or not lines[i - 1]):
            held = list(takewhile(lambda s: s.startswith("    ") or not s.strip(), lines[i:]))
            body = "\n".join(line[4:] for line in held).rstrip()
            yield Block("shell" if _is_command(body) else "other", body, i + 1)
            i += len(held)
        else:
            i += 1


def commands(block: Block) -> Iterator[Command]:
    """The command lines of a shell block; comments are left out, continued lines joined."""
    pending, first = "", block.line
    for number, raw in enumerate(block.text.splitlines(), block.line):
        line = raw.strip().removeprefix("$ ")
        first = first if pending else number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        line, pending = pending + line, ""
        words = tuple(shlex.split(line, comments=True))
        if words:
            yield Command(first, line, words)


def inline_code(text: str) -> Iterator[str]:
    """What stands between single backticks outside of blocks."""
    inside = False
    for line in text.splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside and not line.startswith("    "):
            yield from _INLINE.findall(line)


def _fenced(info: str, body: str, line: int) -> Block:
    language = info.split()[0] if info else ""
    title = _TITLE.search(info)
    if title:
        return Block("file", body + "\n", line, title["name"])
    if language in ("python", "py"):
        return Block("python", body, line)
    if language in _SHELL and (language or _is_command(body)):
        return Block("shell", body, line)
    return Block("text" if language == "text" else "other", body, line)


def _is_command(body: str) -> bool:
    """Whether the first line that is no comment begins with the name of a program."""
    lines = (line.strip().removeprefix("$ ") for line in body.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    words = [word for word in first.split() if not _VARIABLE.match(word)]
    return bool(words) and words[0].replace("\\", "/").removeprefix(".venv/bin/") in STARTERS
