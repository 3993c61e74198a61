"""The classes of a label image: codes, names, colours and physical roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Label(IntEnum):
    """Codes of the default five-class scheme, in the order of the AM-SegNet paper."""

    UNLABELLED = 0
    KEYHOLE = 1
    PORE = 2
    SUBSTRATE = 3
    BACKGROUND = 4
    POWDER = 5


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class of a label image.

    code : 1..255, the pixel value. name : as shown to people. color : ``#rrggbb``.
    role : what the class is physically (``keyhole``, ``pore``, ``substrate``,
    ``background``, ``powder`` or free text); measuring goes by the role.
    """

    code: int
    name: str
    color: str
    role: str


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """The classes a label image, a model or a benchmark knows, in channel order.

    Code 0 is always "unlabelled" and belongs to no scheme. Network channel i
    stands for ``classes[i]``.

    Raises
    ------
    ValueError
        If there are no classes, or a code or name occurs twice or is out of range.
    """

    classes: tuple[LabelClass, ...]

    def __post_init__(self) -> None:
        codes, names = self.codes, self.names
        if not codes:
            raise ValueError("a label scheme needs at least one class.")
        for values, what in ((codes, "code"), (names, "name")):
            twice = {v for v in values if list(values).count(v) > 1}
            if twice:
                raise ValueError(f"label scheme uses {what} {sorted(map(str, twice))} twice.")
        for role in ("keyhole", "pore", "substrate"):  # what is measured, by its role
            if sum(c.role == role for c in self.classes) > 1:
                raise ValueError(f"label scheme has two classes with the role {role!r}.")
        outside = [code for code in codes if not 1 <= code <= 255]
        if outside:
            raise ValueError(f"label codes {outside} are outside 1..255 (0 means unlabelled).")

    @property
    def codes(self) -> tuple[int, ...]:
        """Pixel values, in channel order."""
        return tuple(c.code for c in self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names, in channel order."""
        return tuple(c.name for c in self.classes)

    def code_of(self, role: str) -> int | None:
        """Pixel value of the class with this role, or None if the scheme has none."""
        # A plain int: NumPy compares uint8 with an IntEnum fifteen times more slowly.
        return next((int(c.code) for c in self.classes if c.role == role), None)

    def mask(self, labels: NDArray[np.uint8], role: str) -> NDArray[np.bool_]:
        """Where a label image holds the class with this role; nowhere if the scheme has none."""
        code = self.code_of(role)
        return np.zeros(labels.shape, bool) if code is None else labels == code

    def subset(self, roles: Iterable[str]) -> LabelScheme:
        """A scheme of the classes with these roles only, codes unchanged."""
        wanted = set(roles)
        return LabelScheme(tuple(c for c in self.classes if c.role in wanted))

    @classmethod
    def parse(cls, text: str) -> LabelScheme:
        """From ``role=code,role=code``, names and colours of the default classes where known.

        Raises
        ------
        ValueError
            If the text has another form.
        """
        default = {c.role: c.color for c in DEFAULT_SCHEME.classes}
        try:
            pairs = [part.split("=") for part in text.casefold().split(",")]
            classes = tuple(
                LabelClass(int(code), role, default.get(role, "#808080"), role)
                for role, code in ((name.strip(), code) for name, code in pairs)
            )
        except ValueError:
            raise ValueError(
                f"codes are {text!r}: write role=code,..., for example keyhole=1,pore=2."
            ) from None
        scheme = cls(classes)
        if scheme.code_of("keyhole") is None and scheme.code_of("pore") is None:
            raise ValueError(
                f"codes {text!r} name neither keyhole nor pore: nothing could be measured. "
                f"Known names are {', '.join(default)}; they replace the default codes."
            )
        return scheme

    def to_json(self) -> list[dict[str, Any]]:
        """Plain records for ``model.json``, ``benchmark.json`` and ``run.json``."""
        return [
            {"code": c.code, "name": c.name, "color": c.color, "role": c.role} for c in self.classes
        ]

    @classmethod
    def from_json(cls, records: Iterable[Mapping[str, Any]]) -> LabelScheme:
        """Inverse of :meth:`to_json`."""
        try:
            return cls(
                tuple(
                    LabelClass(int(r["code"]), str(r["name"]), str(r["color"]), str(r["role"]))
                    for r in records
                )
            )
        except (KeyError, TypeError) as error:
            raise ValueError(
                "label scheme is not readable: every class needs code, name, color and role."
            ) from error


DEFAULT_SCHEME = LabelScheme(
    (
        LabelClass(Label.KEYHOLE, "keyhole", "#541352", "keyhole"),
        LabelClass(Label.PORE, "pore", "#d62728", "pore"),
        LabelClass(Label.SUBSTRATE, "substrate", "#2f9aa0", "substrate"),
        LabelClass(Label.BACKGROUND, "background", "#10a53d", "background"),
        LabelClass(Label.POWDER, "powder", "#ffcf20", "powder"),
    )
)
