"""What the frame cuts off: a surface above it, a keyhole that goes on below it."""

from __future__ import annotations

from collections.abc import Mapping

# Flags of a frame; with either, its depth is a lower bound if the labels are right.
SURFACE_CUT, KEYHOLE_CUT = "surface cut off", "keyhole cut off"
# Share of the columns with metal up to the first row from which on the surface is out of sight.
MOST_CUT = 0.3
# Share of the frames with a keyhole from which on it is worth a note.
_NOTED = 0.1
_WORDS = {
    SURFACE_CUT: "the substrate reaches the first row, and the depth counts from there. If the "
    "surface lies above the frame, depth and area are too small: use a larger crop, or none. If "
    "it is in sight, gas was labelled substrate and the depth is too large: correct the labels.",
    KEYHOLE_CUT: "the keyhole reaches the last row and may go on below it. Keyhole depth and area "
    "are too small there: use a larger crop, or none.",
}


def cut_off_notes(flags: Mapping[str, int], n_with_keyhole: int) -> tuple[str, ...]:
    """What must be known of the numbers of a stack, in words; empty if nothing is cut off.

    flags : frames with each flag. n_with_keyhole : frames with a keyhole.
    """
    return tuple(
        f"in {n} of {n_with_keyhole} frames with a keyhole {words}"
        for flag, words in _WORDS.items()
        if (n := flags.get(flag, 0)) and n >= _NOTED * n_with_keyhole
    )
