"""What every command shares: options made from settings records, and one-line errors."""

from __future__ import annotations

import errno
import functools
import inspect
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import click
import typer

from napari_amseg.cli.arguments import OutFolder
from napari_amseg.cli.progress import remove_bars
from napari_amseg.io.atomic import require_folder
from napari_amseg.io.system_errors import error_words
from napari_amseg.settings import Option, options

_EXIT_BAD_INPUT, _EXIT_UNEXPECTED, _EXIT_CANCELLED = 2, 1, 130
Command = Callable[..., None]
# What is recorded with its unit has a shorter name on the command line.
_SHORTER = {
    "pixel_size_um": "--pixel-size",
    "frame_rate_hz": "--frame-rate",
    "scan_speed_mm_s": "--scan-speed",
}


def register(app: typer.Typer, function: Command, name: str | None = None) -> None:
    """Add a command to `app`: its settings records become options, its errors one line.

    A parameter of `function` whose type is a settings dataclass is replaced on the command line by
    one option for each of its fields. A folder of results that cannot be one is refused first.
    """
    hints = get_type_hints(function, include_extras=True)
    folders = [name for name, hint in hints.items() if hint == OutFolder]
    parameters: list[inspect.Parameter] = []
    records: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if isinstance(hint, type) and hasattr(hint, "to_json"):
            records[parameter.name] = hint
            panel = parameter.name.capitalize()
            parameters += [_parameter(option, panel) for option in options(hint)]
        else:
            parameters.append(
                parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY)
            )
    verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show tracebacks of errors.")]
    parameters.append(
        inspect.Parameter(
            "verbose", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=verbose
        )
    )

    flags = {o.name: o.flag for kind in records.values() for o in options(kind)}
    flags |= {name: flag for name, flag in _SHORTER.items() if _parameter_name(flag) in hints}

    @functools.wraps(function)
    def run(**given: Any) -> None:
        with_traceback = given.pop("verbose")
        try:
            for record, kind in records.items():
                given[record] = kind(**{o.name: given.pop(o.name) for o in options(kind)})
            for name in folders:
                require_folder(given[name])
            function(**given)
        except (typer.Exit, click.ClickException):
            raise
        except SystemExit:  # of rich, when `amseg … | head` has read enough
            raise
        except BaseException as error:
            _explain(error, flags, with_traceback=with_traceback)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    app.command(name=name)(run)


def _parameter(option: Option, panel: str) -> inspect.Parameter:
    """The command-line option of one settings field, listed in a panel of the help."""
    remarks = [option.unit] if option.unit else []
    remarks += [f"one of {', '.join(option.choices)}"] if option.choices else []
    text = option.help + (f" [{'; '.join(remarks)}]" if remarks else "")
    flag = option.flag
    names = (flag, f"--no-{flag[2:]}") if option.type is bool else (flag,)
    declared = typer.Option(
        "/".join(names), help=text, metavar=_metavar(option.type), rich_help_panel=panel
    )
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=option.default,
        annotation=Annotated[option.type, declared],
    )


def _metavar(kind: Any) -> str | None:
    plain = next((a for a in get_args(kind) if a is not type(None)), kind)
    return {int: "N", float: "X", str: "TEXT"}.get(plain)


def _explain(error: BaseException, flags: Mapping[str, str], *, with_traceback: bool) -> None:
    """Say in one line what went wrong and leave with the right exit code.

    flags : what settings are called on the command line, by their own names.
    """
    remove_bars()
    if with_traceback:
        traceback.print_exc()
    if isinstance(error, KeyboardInterrupt):
        _say("cancelled; no half-written file was left.")
        raise typer.Exit(_EXIT_CANCELLED)
    if isinstance(error, ValueError | OSError | ImportError):
        _say(f"error: {_with_flag(_words(error), flags)}")
        raise typer.Exit(_EXIT_BAD_INPUT)
    if isinstance(error, MemoryError):
        _say("error: out of memory. Use a smaller --batch-size or --tile-px.")
        raise typer.Exit(_EXIT_BAD_INPUT)
    _say(f"unexpected {type(error).__name__}: {_words(error)} (run again with -v for details)")
    raise typer.Exit(_EXIT_UNEXPECTED)


def _with_flag(text: str, flags: Mapping[str, str]) -> str:
    """The text with the name on the command line of the setting whose value it is about."""
    name, states, value = text.partition(" is ")
    return f"{flags[name]}{states}{value}" if name in flags else text


def _parameter_name(flag: str) -> str:
    return flag[2:].replace("-", "_")


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        where = f" for {error.filename}" if error.filename else ""
        return (
            f"no space left on the disk{where}. Free some, or choose another place with -o; "
            "no half-written file was left."
        )
    if isinstance(error, PermissionError) and str(error.filename).endswith(".part"):
        return (
            f"{Path(error.filename).parent}: cannot write into this folder. Choose another with -o."
        )
    return error_words(error)


def _say(text: str) -> None:
    typer.echo(text, err=True)
