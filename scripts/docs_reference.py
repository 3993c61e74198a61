"""The tables of the reference, made while mkdocs builds the site: a hook named in mkdocs.yml.

A page says where they go with a comment, ``<!-- generated: commands -->`` or
``<!-- generated: settings -->``. They come from the declarations that the program itself runs on,
so there is no copy that could fall behind.
"""

from __future__ import annotations

import importlib
import inspect
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer

from napari_amseg.cli import app
from napari_amseg.settings import Option, Settings, options

SOURCE = Path(__file__).resolve().parents[1] / "src"
_MARK = re.compile(r"<!-- generated: (\w+) -->")
_DECLARES = re.compile(r"^class (\w+)\(\w*Settings\):", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for every page: its Markdown with the tables in place."""
    return _MARK.sub(lambda mark: TABLES[mark[1]](), markdown)


def commands() -> str:
    """Every command with its arguments and options."""
    return "\n".join(
        line
        for path, command in all_commands()
        for line in (_group if hasattr(command, "commands") else _command)(path, command)
    )


def all_commands() -> Iterator[tuple[str, Any]]:
    """Commands and groups of commands by what is typed: ``amseg dataset add``."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        yield f"amseg {name}", command
        for inner, sub_command in getattr(command, "commands", {}).items():
            yield f"amseg {name} {inner}", sub_command


def _group(path: str, command: Any) -> list[str]:
    return [f"## {path}", "", *_help(command), ""]


def _command(path: str, command: Any) -> list[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = [path, *(p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments)]
    lines = [f"{'#' * path.count(' ')}# {path}", "", *_help(command), ""]
    lines += ["```text", " ".join([*usage, "[OPTIONS]"]), "```", ""]
    if arguments:
        lines += ["| argument | meaning |", "|---|---|"]
        lines += [f"| `{p.name.upper()}` | {_cell(p.help or '')} |" for p in arguments]
        lines.append("")
    return lines + _options(command)


def _help(command: Any) -> list[str]:
    """The help text; an example in it becomes a line to copy."""
    lines = []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        text, _, example = " ".join(paragraph.split()).partition("Example: ")
        lines += [text, ""] if text else []
        lines += ["```sh", example.removesuffix("."), "```", ""] if example else []
    return lines


def _options(command: Any) -> list[str]:
    """A table for each panel of ``--help``, the command's own options first."""
    declared = declared_options(command)
    panels: dict[str, list[str]] = {}
    for p in command.params:
        if p.param_type_name == "option" and not p.hidden:
            row = _option_row(p, declared.get(p.name))
            panels.setdefault(p.rich_help_panel or "", []).append(row)
    lines: list[str] = []
    for panel in sorted(panels, key=bool):
        lines += [f"*{panel}*", ""] if panel else []
        lines += ["| option | default | range | meaning |", "|---|---|---|---|", *panels[panel], ""]
    return lines


def declared_options(command: Any) -> dict[str, Option]:
    """The fields of settings records among the options of a command, by name."""
    hints = get_type_hints(inspect.unwrap(command.callback))
    records = (h for h in hints.values() if isinstance(h, type) and issubclass(h, Settings))
    return {option.name: option for record in records for option in options(record)}


def _option_row(parameter: Any, declared: Option | None) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if not parameter.is_flag:
        names += f" {parameter.metavar or parameter.name.upper()}"
    default = "required" if parameter.required else _value(parameter.default)
    span = _span(declared) if declared else ""
    return f"| {names} | {default} | {span} | {_cell(parameter.help or '')} |"


def settings() -> str:
    """Every settings record: a heading, what it is, and a table of its fields."""
    lines: list[str] = []
    for record in all_settings():
        about = inspect.cleandoc(record.__doc__ or "").split("\n\n")[0]
        lines += [f"## {record.__name__}", "", f"`{record.__module__}`. {about}", ""]
        lines += ["| name | type | unit | default | allowed | meaning |", "|---" * 6 + "|"]
        lines += [_setting_row(option) for option in options(record)]
        lines.append("")
    return "\n".join(lines)


def all_settings() -> list[type[Settings]]:
    """The settings records of the package, in the order of its files.

    Those of the command line alone are left out: their fields stand under its commands.
    """
    found = []
    for path in sorted((SOURCE / "napari_amseg").rglob("*.py")):
        module = path.relative_to(SOURCE).with_suffix("")
        names = _DECLARES.findall(path.read_text(encoding="utf-8"))
        if names and "cli" not in module.parts:
            home = importlib.import_module(".".join(module.parts))
            found += [getattr(home, name) for name in names]
    return [record for record in found if any(True for _ in options(record))]


def _setting_row(option: Option) -> str:
    kinds = [k for k in get_args(option.type) or (option.type,) if k is not type(None)]
    kind = " or ".join(getattr(k, "__name__", str(k)) for k in kinds)
    allowed = ", ".join(f"`{c}`" for c in option.choices) or _span(option)
    default = "required" if option.default is MISSING else _value(option.default)
    cells = f"{option.unit} | {default} | {allowed} | {_cell(option.help)}"
    return f"| `{option.name}` | {kind} | {cells} |"


def _span(option: Option) -> str:
    low, high = option.low, option.high
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"from {low:g}" if low is not None else f"to {high:g}" if high is not None else ""


def _value(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{value:g}`" if isinstance(value, float) and math.isfinite(value) else f"`{value}`"


def _cell(text: str) -> str:
    """Text for a cell of a table: on one line, no bar, no tag."""
    return " ".join(text.split()).replace("|", "&#124;").replace("<", "&lt;")


TABLES: dict[str, Callable[[], str]] = {"commands": commands, "settings": settings}
