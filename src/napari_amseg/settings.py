"""Options declared once: a frozen dataclass whose fields carry unit, range and help.

The napari form, the command line, the run record and the documentation are all
made from these declarations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any, get_type_hints


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
    if value is None:
        return
    if option.choices and value not in option.choices:
        raise ValueError(f"{option.name} is {value!r}: choose one of {', '.join(option.choices)}.")
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
