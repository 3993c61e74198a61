"""What the values of label images from elsewhere mean in our classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from napari_amseg.labels import LabelScheme

UNLABELLED, REST = "unlabelled", "*"
OUTSIDE, TRANSPARENT = "_outside_", "transparent"  # of all shapes; a pixel without colour
_RANGE = re.compile(r"(\d+)-(\d*)")
_NOTHING = {"0", "#000000", TRANSPARENT}


@dataclass(frozen=True, slots=True)
class LabelMapping:
    """Our code for each value found: a number, a colour or a name, always as text.

    Attributes
    ----------
    exact : codes by value: ``"3"``, ``"#ff0000"``, ``"pore"``.
    ranges : (first, last or None, code): numbers from first to last, such as one for each pore.
    rest : code of every other value, or None: then there must be no other.
    """

    exact: Mapping[str, int]
    ranges: tuple[tuple[int, int | None, int], ...] = ()
    rest: int | None = None

    @classmethod
    def of(
        cls, given: Mapping[str, str] | Mapping[int, str] | str, scheme: LabelScheme
    ) -> LabelMapping:
        """From ``{value: class}``, or from text ``value=class,value=class``.

        A value is a number, a range ``1-5`` or ``1-`` of numbers, a colour ``#ff0000``, a name, or
        ``*`` for all others; a class is one of the scheme's, or ``unlabelled``.

        Raises
        ------
        ValueError
            If the text has another form, a class is not known, or a value is given twice.
        """
        pairs = _pairs(given) if isinstance(given, str) else [(str(v), c) for v, c in given.items()]
        codes = {UNLABELLED: 0} | {c.role.casefold(): c.code for c in scheme.classes}
        codes |= {c.name.casefold(): c.code for c in scheme.classes}
        exact: dict[str, int] = {}
        ranges: list[tuple[int, int | None, int]] = []
        for value, name in pairs:
            code = codes.get(name.strip().casefold())
            if code is None:
                raise ValueError(
                    f"{value}={name}: there is no class {name!r}; the value comes first, then one "
                    f"of {', '.join(scheme.names)}, {UNLABELLED}."
                )
            key = _normal(value)
            if match := _RANGE.fullmatch(key):
                ranges.append((int(match[1]), int(match[2]) if match[2] else None, code))
            elif exact.setdefault(key, code) != code:
                raise ValueError(f"value {value!r} is given two classes: leave one out.")
        _check_ranges(ranges)
        rest = exact.pop(REST, None)
        return cls(exact, tuple(ranges), rest)

    def code_of(self, value: str) -> int | None:
        """Our code for a value, 0 for unlabelled; None if nothing is said about it.

        What is said of the very value goes before a range, a range before ``*``.
        """
        if value in self.exact:
            return self.exact[value]
        if value.isdecimal():
            for first, last, code in self.ranges:
                if first <= int(value) and (last is None or int(value) <= last):
                    return code
        return self.rest


def suggested_mapping(values: Iterable[str], scheme: LabelScheme) -> dict[str, str]:
    """Classes of those values found whose meaning is plain, by value; for a form to begin with.

    A name or a colour of the scheme is its class; numbers are taken for our codes only if all of
    them are. Black, transparent and 0 are unlabelled.
    """
    values = list(values)
    names = {c.name.casefold(): c.name for c in scheme.classes}
    colours = {c.color.casefold(): c.name for c in scheme.classes}
    codes = {str(c.code): c.name for c in scheme.classes}
    numbers = {value for value in values if value.isdecimal()}
    known = names | colours | (codes if numbers <= {"0", *codes} else {})
    return {
        value: UNLABELLED if value in _NOTHING else known[value.casefold()]
        for value in values
        if value in _NOTHING or value.casefold() in known
    }


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [part.rpartition("=") for part in text.split(",") if part.strip()]
    if not parts or not all(value.strip() and name.strip() for value, _, name in parts):
        raise ValueError(
            f"codes are {text!r}: write value=class,..., for example 1=keyhole,2=pore,0=unlabelled."
        )
    return [(value, name) for value, _, name in parts]


def _normal(value: str) -> str:
    value = value.strip()
    if value.isdecimal():
        return str(int(value))
    return value.lower() if value.startswith("#") else value


def _check_ranges(ranges: list[tuple[int, int | None, int]]) -> None:
    for first, last, _ in ranges:
        if last is not None and last < first:
            raise ValueError(f"range {first}-{last} runs backwards: write {last}-{first}.")
    for (first, last, _), (other, other_last, _) in combinations(sorted(ranges, key=_start), 2):
        if last is None or other <= last:
            raise ValueError(
                f"ranges {_words(first, last)} and {_words(other, other_last)} overlap: "
                "give every number one class."
            )


def _start(entry: tuple[int, int | None, int]) -> int:
    return entry[0]


def _words(first: int, last: int | None) -> str:
    return f"{first}-{'' if last is None else last}"
