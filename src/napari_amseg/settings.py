"""Options declared once: a frozen dataclass whose fields carry unit, range and help.

The napari form, the command line, the run record and the documentation are all
made from these declarations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from numbers import Integral, Real
from typing import Any, get_args, get_type_hints


@dataclass(frozen=True, slots=True)
class Option:
    """What a form or a command line needs to know about one settings field."""

    name: str
    type: Any
    default: Any
    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name for people, with the unit: ``min pore area (µm²)``."""
        unit = f" ({self.unit})" if self.unit else ""
        name = self.name
        for suffix in ("_um2", "_um", "_px", "_hz", "_s"):
            name = name.removesuffix(suffix) if self.unit else name
        return name.replace("_", " ") + unit

    @property
    def flag(self) -> str:
        """Its name on the command line: ``--min-pore-area-px``."""
        return flag(self.name)


def flag(name: str) -> str:
    """What a parameter of this name is called on the command line."""
    return f"--{name.replace('_', '-')}"


def setting(
    default: Any,
    *,
    help: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field with a unit, a closed range [low, high], choices and a help text."""
    metadata = {"help": help, "unit": unit, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=metadata)


def options(settings_class: type) -> Iterator[Option]:
    """The declared options of a settings dataclass, in order."""
    hints = get_type_hints(settings_class)
    for f in fields(settings_class):
        if f.metadata:
            yield Option(name=f.name, type=hints[f.name], default=f.default, **f.metadata)


class Settings:
    """Base of settings dataclasses: checks ranges on creation, turns into JSON.

    Raises
    ------
    ValueError
        If a value is outside its range or not among its choices; the message
        names the option, the value and what is allowed.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        for option in options(type(self)):
            check(option, getattr(self, option.name))

    def to_json(self) -> dict[str, Any]:
        """Plain record for ``run.json``."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


def check(option: Option, value: Any) -> None:
    """Raise ValueError when `value` is not allowed for `option`."""
    _check_type(option, value)
    if value is None:
        return
    if option.choices and value not in option.choices:
        raise ValueError(f"{option.name} is {value!r}: choose one of {', '.join(option.choices)}.")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"{option.name} is a number beyond 2**63: write a smaller one.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{option.name} is {value}: it must be a finite number.")
    low, high = option.low, option.high
    if low is None and high is None:
        return
    if not (low is None or value >= low) or not (high is None or value <= high):  # NaN fails too
        span = f"{'' if low is None else f'at least {low:g}'}"
        span += f"{' and ' if low is not None and high is not None else ''}"
        span += f"{'' if high is None else f'at most {high:g}'}"
        unit = f" {option.unit}" if option.unit else ""
        raise ValueError(f"{option.name} is {value:g}{unit}: it must be {span}{unit}.")


_LARGEST = 2**63 - 1  # what other libraries take
# Values come from JSON records too, where anything can stand.
_KINDS: dict[Any, tuple[type, str]] = {
    bool: (bool, "true or false"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    str: (str, "a text"),
}


def _check_type(option: Option, value: Any) -> None:
    """Raise ValueError unless a value is of the option's type; a whole number is a number too."""
    kinds = get_args(option.type) or (option.type,)
    known = [_KINDS[kind] for kind in kinds if kind in _KINDS]
    if len(known) < len(set(kinds) - {type(None)}):
        return  # a type that is not checked
    if value is None and type(None) in kinds:
        return
    if not any(isinstance(value, kind) for kind, _ in known):
        words = " or ".join(words for _, words in known)
        raise ValueError(f"{option.name} is {value!r}: it must be {words}.")
