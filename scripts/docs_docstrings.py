"""Docstrings as Markdown: an extension of griffe, named in mkdocs.yml.

Our docstrings are numpydoc with entries of one line, ``shape : (frames, rows, columns).``, where a
parser of numpydoc would take the text for a type. Types stand in the signatures, so every entry
becomes a line of a list.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import griffe

_SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)
_NAMES = r"\*{0,2}[a-z_]\w*(?:, \*{0,2}[a-z_]\w*)*"
_ENTRY = re.compile(rf"^({_NAMES}) : (.*)$", re.DOTALL)
_RAISED = re.compile(r"^([A-Z]\w+(?:, [A-Z]\w+)*) (.*)$", re.DOTALL)
_NEXT_ENTRY = re.compile(rf"(?<=[.;)]) (?={_NAMES} : )")
_ROLE = re.compile(r":[a-z]+:(?=`)")


class HouseDocstrings(griffe.Extension):
    """Turns the docstring of every object into Markdown before it is rendered."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Called by griffe for every attribute: a declared option shows its plain default."""
        value = attr.value
        if isinstance(value, griffe.ExprCall) and str(value.function) == "setting":
            attr.value = value.arguments[0]

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for every module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(docstring: str) -> str:
    """The same text with its sections as words in italics and its entries as lists."""
    text = _ROLE.sub("", inspect.cleandoc(docstring))
    about, *rest = _SECTION.split(text)
    parts = [_prose(about)]
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        listed = title in ("Parameters", "Attributes", "Raises", "Warns")
        shown = _list(body) if listed else _prose(body)
        parts.append(f"*{title}*\n\n{shown}")
    return "\n\n".join(part for part in parts if part.strip())


def _prose(text: str) -> str:
    """Paragraphs; those made of entries become lists, examples and drawings stay as they are."""
    shown = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        lines = paragraph.splitlines()
        if lines and lines[0].startswith(">>>"):
            shown.append(f"```python\n{paragraph}\n```")
        elif _ENTRY.match(paragraph):
            shown.append(_list(paragraph))
        else:
            shown.append(paragraph)
    return "\n\n".join(shown)


def _list(text: str) -> str:
    """One line of a list for every entry: what is not indented begins one."""
    entries: list[str] = []
    for line in text.strip("\n").splitlines():
        if line[:1].isspace() or not _begins(line):
            entries[-1:] = [f"{entries[-1] if entries else ''} {line.strip()}".strip()]
        else:
            entries.append(line.strip())
    split = (part for entry in entries for part in _NEXT_ENTRY.split(entry))
    return "\n".join(f"- {_item(entry)}" for entry in split)


def _begins(line: str) -> bool:
    return bool(_ENTRY.match(line) or re.match(r"[A-Z]\w*(Error|Warning|Exit|Interrupt)\b", line))


def _item(entry: str) -> str:
    match = _ENTRY.match(entry) or _RAISED.match(entry)
    names, text = match.groups() if match else ("", entry)
    if not names:
        return text
    return ", ".join(f"`{name}`" for name in names.split(", ")) + f": {text.strip()}"
