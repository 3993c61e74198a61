"""The chain: ordered steps, each from a lazy stack to a lazy stack.

Dtypes: :class:`Crop` keeps the dtype of the stack; every other step computes and returns
float32. Integer frames therefore become float32 at the first such step and stay so.
Statistics come from a bounded, evenly spaced sample of frames (:mod:`.statistics`), never
from the whole stack, and do not depend on the order in which frames are asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from napari_amseg.io.records import read_json
from napari_amseg.preprocess.background import Background
from napari_amseg.preprocess.flatfield import FlatField
from napari_amseg.preprocess.geometry import Crop
from napari_amseg.preprocess.intensity import Invert, Normalise
from napari_amseg.types import Frame, Stack

FORMAT_VERSION = 1
_MARKED = re.compile(r"(.+)#([0-9a-f]{8})", re.DOTALL)
MOST_STEPS = 100  # far beyond any use: more are a mistake, and would take minutes to set up


class Step(Protocol):
    """One step of a chain: a frozen record of settings that turns a stack into a stack."""

    kind: ClassVar[str]

    def fit(self, stack: Stack) -> Step:
        """The same step with every statistic taken from `stack` written into it."""
        ...

    def apply(self, stack: Stack) -> Stack:
        """The processed stack; nothing but the bounded sample is read yet."""
        ...


STEPS: dict[str, type[Any]] = {
    step.kind: step for step in (FlatField, Background, Crop, Invert, Normalise)
}


@dataclass(frozen=True, slots=True)
class Chain:
    """An ordered list of preprocessing steps that can be saved and replayed exactly."""

    steps: tuple[Step, ...] = ()

    def __add__(self, other: Chain) -> Chain:
        return Chain(self.steps + other.steps)

    def fit(self, stack: Stack) -> Chain:
        """The chain with the grey limits of `stack` and the hashes of its flats written in.

        Replayed on the same stack it gives the same values. Limits also hold on other stacks; a
        background is always that of the stack at hand.
        """
        return self.fit_apply(stack)[0]

    def fit_apply(self, stack: Stack) -> tuple[Chain, Stack]:
        """What :meth:`fit` and :meth:`apply` give, with every statistic taken once only.

        Raises
        ------
        ValueError
            As :meth:`apply`.
        """
        fitted: list[Step] = []
        stack = finite(stack)
        for step in self.steps:
            fitted.append(step.fit(stack))
            stack = fitted[-1].apply(stack)
        return Chain(tuple(fitted)), stack

    def preview(self, stack: Stack) -> Stack:
        """What :meth:`fit_apply` gives, for a look: flats are not hashed, nor compared with those
        recorded, as they may lie in a scan of many gigabytes.

        Raises
        ------
        ValueError
            As :meth:`apply`.
        """
        stack = finite(stack)
        for step in self.steps:
            fitted = step.unrecorded() if isinstance(step, FlatField) else step.fit(stack)
            stack = fitted.apply(stack)
        return stack

    def apply(self, stack: Stack) -> Stack:
        """The processed stack, lazy, frames in any order.

        Raises
        ------
        ValueError
            If a step does not fit the stack (a flat of another shape, a crop outside the frame).
        """
        stack = finite(stack)
        for step in self.steps:
            stack = step.apply(stack)
        return stack

    def to_json(self) -> dict[str, Any]:
        """Plain record; :meth:`from_json` gives the same chain back."""
        return {
            "format_version": FORMAT_VERSION,
            "steps": [
                {"step": step.kind, **{f.name: _plain(getattr(step, f.name)) for f in fields(step)}}  # type: ignore[arg-type]
                for step in self.steps
            ],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Chain:
        """Rebuild a chain.

        Raises
        ------
        ValueError
            If the format is newer than this program, or a step or one of its settings is unknown.
        """
        entries = record.get("steps") if isinstance(record, Mapping) else None
        if not isinstance(entries, list) or not all(isinstance(e, Mapping) for e in entries):
            raise ValueError("preprocessing chain: the record holds no list of 'steps'.")
        version = record.get("format_version", FORMAT_VERSION)
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise ValueError(
                f"preprocessing chain has format {version!r}, this version reads "
                f"up to {FORMAT_VERSION}: update napari-amseg."
            )
        if len(entries) > MOST_STEPS:
            raise ValueError(f"preprocessing chain has {len(entries)} steps, at most {MOST_STEPS}.")
        return cls(tuple(_step_from_json(dict(entry)) for entry in entries))


def read_chain(path: str | Path) -> Chain:
    """The user's steps from a saved chain or from a run record.

    path : the file, also as :func:`marked` names it.

    Raises
    ------
    ValueError
        If it is neither, or not the chain that is meant any more; OSError if it cannot be read.
    """
    found = None if Path(path).exists() else _MARKED.fullmatch(str(path))
    file, mark = (path, None) if found is None else found.groups()
    try:
        record = _chain_record(read_json(file))
        chain = Chain.from_json(record)
    except ValueError as error:
        raise ValueError(f"{file}: no preprocessing chain ({error})") from error
    if mark is not None and mark != _mark(record):
        raise ValueError(
            f"{file}: was replaced and holds another preprocessing chain than #{mark}, which is "
            "meant here: give that chain, or leave out # and what follows to take the new one."
        )
    return chain


def marked(path: str | Path, chain: Chain) -> str:
    """``PATH#<8 hex digits>``: a file for :func:`read_chain` that may be replaced meanwhile, which
    then refuses it unless it still holds this chain.
    """
    return f"{path}#{chain_mark(chain)}"


def chain_mark(chain: Chain) -> str:
    """The beginning of the hash of a chain, 8 hex digits."""
    return _mark(chain.to_json())


def _mark(record: Any) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:8]


def _chain_record(record: Any) -> Any:
    """The chain within a run record; the record itself if it is none."""
    if not isinstance(record, dict):
        return record
    within = record.get("run")  # amseg laser keeps the record of its run within another
    record = within if isinstance(within, dict) else record
    chain, maker = record.get("preprocessing", record), record.get("labels_made_by")
    if chain is None and isinstance(maker, dict):  # measured again since
        return maker.get("preprocessing")
    return chain


def finite(stack: Stack) -> Stack:
    """The stack with every float frame checked: a NaN would spread through all statistics."""
    if stack.dtype.kind != "f":
        return stack

    def read(t: int) -> Frame:
        frame = stack.read(t)
        bad = int(frame.size - np.count_nonzero(np.isfinite(frame)))
        if bad:
            raise ValueError(
                f"frame {t} holds {bad:,} pixels that are NaN or infinite: repair the stack, or "
                "start from the raw counts and let the flat field fill dead pixels."
            )
        return frame

    return stack.derived(read)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _step_from_json(entry: dict[str, Any]) -> Step:
    kind = entry.pop("step", None)
    if not isinstance(kind, str) or kind not in STEPS:
        raise ValueError(f"preprocessing step {kind!r} is unknown: known are {', '.join(STEPS)}.")
    step = STEPS[kind]
    unknown = sorted(set(entry) - {f.name for f in fields(step)})
    if unknown:
        raise ValueError(f"preprocessing step {kind!r} has no setting {', '.join(unknown)}.")
    try:
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
        built: Step = step(**values)
    except TypeError as error:
        raise ValueError(f"preprocessing step {kind!r} is not complete: {error}.") from error
    return built
