"""What looks like a slip in the table of a campaign: a misspelt column, a dot for thousands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher

from napari_amseg.pipeline.campaign_table import TableLine

# Where a thousand or more is usual; a pixel of 4.310 um is written so by many programs.
_THOUSANDS = ("frame_rate_hz", "laser_power_w", "scan_speed_mm_s")
_GROUPED = re.compile(r"[1-9]\d{0,2}\.\d{3}")
_UNIT = re.compile(r"_(um|hz|mm_s|w)$")
# In small letters and without a plural's s, so fp is fps.
_LENGTHS, _POWERS = ("nm", "um", "\u03bcm", "micron", "mm", "m"), ("w", "kw", "mw")
_UNITS = (*_LENGTHS, *_POWERS, "hz", "khz", "mhz", "fp", "s", "per")
# Separators; also where a capital follows letters, but not that of kHz, or a digit.
_BETWEEN = re.compile(r"[\W_]+|(?<=[a-z]{2})(?=[A-Z])|(?<=[^\W\d_])(?=\d)")
_ALIKE, _SAME = 0.65, 0.88  # of 1 for equal spellings


def column_notes(
    where: str, columns: Iterable[str], absent: Collection[str], vital: Collection[str]
) -> tuple[str, ...]:
    """A note on columns that nothing here reads, with the column that may have been meant.

    Parameters
    ----------
    where : the table. columns : of it that are not known. absent : known ones that it lacks.
    vital : known ones that numbers depend on.

    Raises
    ------
    ValueError
        If one is a vital one that is absent, spelt otherwise.
    """
    told = []
    for column in columns:
        alike = max(absent, key=lambda name: _likeness(column, name), default="")
        likeness = _likeness(column, alike) if alike else 0.0
        if alike in vital and _is_meant(column, alike):
            unit = ", in that unit" if _UNIT.search(alike) else ""
            raise ValueError(
                f"{where}: column {column!r} is not known: is {alike} meant{unit}? Rename it; if "
                "it is something else, give it a name that is less alike."
            )
        told.append(f"{column} (is {alike} meant?)" if likeness >= _ALIKE else column)
    if not told:
        return ()
    return (
        f"{where}: columns that are not known are only kept in the table of results: "
        f"{', '.join(told)}.",
    )


def thousands_notes(lines: Iterable[TableLine]) -> tuple[str, ...]:
    """A note a column on numbers such as 50.000, which may have been meant as 50000."""
    found: dict[str, tuple[str, str]] = {}
    for line in lines:
        for column in _THOUSANDS:
            if _GROUPED.fullmatch(text := line.cells.get(column, "")):
                found.setdefault(column, (line.where, text))
    return tuple(
        f"{where}: {column} {text!r} is read as {float(text):g}: a dot stands before decimals. If "
        f"thousands are meant, write {text.replace('.', '')}."
        for column, (where, text) in found.items()
    )


def _is_meant(column: str, known: str) -> bool:
    """Whether a name can hardly mean anything but a known one.

    One of a file or crop is, but for case, separators and plurals, the same: flat2 is another. One
    of a number has another unit, or letters that differ a little, but no word more: the pixel size
    along x is another.
    """
    words, meant = _words(column), _words(_UNIT.sub("", known))
    if not _UNIT.search(known):
        return "".join(words) == "".join(meant)
    while words and words[-1] in _UNITS:
        words.pop()
    likeness = SequenceMatcher(None, "".join(words), "".join(meant)).ratio()
    return len(words) <= len(meant) and likeness >= _SAME


def _words(name: str) -> list[str]:
    """The words of a name in small letters, without a plural's s."""
    words = (word.casefold() for word in _BETWEEN.split(name) if word)
    return [word if word == "s" else word.removesuffix("s") for word in words]


def _likeness(column: str, known: str) -> float:
    """How alike two names are, 0 to 1, whatever their case, separators and unit."""
    plain, *others = map(_letters, (column, known, _UNIT.sub("", known)))
    return max(SequenceMatcher(None, plain, other).ratio() for other in others)


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
