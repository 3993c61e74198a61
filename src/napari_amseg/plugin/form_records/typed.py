"""Frozen records to plain JSON and back; nothing that has another type than declared gets in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from napari_amseg.labels import LabelScheme
from napari_amseg.preprocess import Chain

_SHOWN = 60  # characters of a wrong value


def to_plain(value: Any) -> Any:
    """What JSON can hold of a record."""
    if isinstance(value, Chain | LabelScheme):
        return value.to_json()
    if is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(inner) for inner in value]
    return value


def from_plain(hint: Any, value: Any, where: str) -> Any:
    """The inverse of :func:`to_plain` for a declared type.

    where : what the value is called in a message.

    Raises
    ------
    ValueError
        If it is not of that type, or a record lacks an entry or has one that is unknown.
    """
    if hint is Any:
        return value
    if isinstance(hint, UnionType):
        return None if value is None else from_plain(_not_none(hint), value, where)
    if hint is Chain:
        return _chain(value, where)
    if hint is LabelScheme:
        return LabelScheme.from_json(_expect(list, value, where))
    if is_dataclass(hint):
        return _record(hint, value, where)
    container = _CONTAINERS.get(get_origin(hint) or hint)
    return container(get_args(hint), value, where) if container else _plain(hint, value, where)


def _not_none(hint: UnionType) -> Any:
    return next(kind for kind in get_args(hint) if kind is not NoneType)


def _record(kind: Any, value: Any, where: str) -> Any:
    entries = _expect(dict, value, where)
    known = {f.name: f for f in fields(kind)}
    if unknown := sorted(set(entries) - set(known)):
        raise ValueError(f"{where}: entry {_short(unknown[0])} is unknown.")
    hints, read = get_type_hints(kind), {}
    for name, f in known.items():
        if name in entries:
            read[name] = from_plain(hints[name], entries[name], f"{where}, {name}")
        elif f.default is MISSING and f.default_factory is MISSING:
            raise ValueError(f"{where}: entry {name!r} is missing.")
    try:
        return kind(**read)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _chain(value: Any, where: str) -> Chain:
    """A chain whose steps hold what their settings declare."""
    try:
        chain = Chain.from_json(_expect(dict, value, where))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{where}: no preprocessing chain ({error}).") from None
    for step in chain.steps:
        hints = get_type_hints(type(step))
        for f in fields(step):
            inner = to_plain(getattr(step, f.name))
            from_plain(hints[f.name], inner, f"{where}, {step.kind}, {f.name}")
    return chain


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    items = _expect(list, value, where)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    if len(items) != len(kinds):
        raise ValueError(f"{where} has {len(items)} entries: {len(kinds)} are expected.")
    return tuple(
        from_plain(kind, item, f"{where} {i}")
        for i, (kind, item) in enumerate(zip(kinds, items, strict=True), 1)
    )


def _mapping(kinds: tuple[Any, ...], value: Any, where: str) -> dict[Any, Any]:
    entries = _expect(dict, value, where)
    key_kind, inner_kind = kinds
    if key_kind is int and not all(key.isdecimal() for key in entries):
        raise ValueError(f"{where}: its keys must be whole numbers.")
    return {key_kind(k): from_plain(inner_kind, v, f"{where} {k}") for k, v in entries.items()}


_CONTAINERS: dict[Any, Callable[[tuple[Any, ...], Any, str], Any]] = {
    tuple: _tuple,
    Mapping: _mapping,
    dict: _mapping,
}


def _plain(kind: type, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = _float(value, where)
    if kind is int and isinstance(value, bool):
        raise ValueError(f"{where} is {value}: expected int.")
    _expect(kind, value, where)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is {value}: expected a finite number.")
    if isinstance(value, str) and "\0" in value:
        raise ValueError(f"{where} holds a zero character.")
    return value


def _float(value: int, where: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{where}: the number is too large.") from None


def _expect(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, kind):
        names = {dict: "a record", list: "a list", str: "text"}
        raise ValueError(f"{where} is {_short(value)}: expected {names.get(kind, kind.__name__)}.")
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
