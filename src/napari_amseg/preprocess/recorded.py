"""Flats and darks recorded with a stack: how to correct with them, and whether that is done."""

from __future__ import annotations

import shlex

from napari_amseg.preprocess.chain import Chain
from napari_amseg.preprocess.flatfield import FlatField
from napari_amseg.types import Stack


def recorded_options(stack: Stack) -> str:
    """The options that correct a stack with what was recorded in its file; empty without flats."""
    if stack.flat is None:
        return ""
    recorded = {"--flat": stack.flat, "--dark": stack.dark}
    return " ".join(f"{name} {shlex.quote(file)}" for name, file in recorded.items() if file)


def unused_flats(stack: Stack, chain: Chain) -> tuple[str, ...]:
    """A remark where flats were recorded with a stack and the chain does without a flat field."""
    options = recorded_options(stack)
    if not options or any(isinstance(step, FlatField) for step in chain.steps):
        return ()
    return (f"flats recorded with the stack are not used; to correct with them: {options}",)
