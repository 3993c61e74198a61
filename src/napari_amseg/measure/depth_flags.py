"""Flags of frames whose depth is not what it seems: surface or keyhole cut off, no mouth there."""

from __future__ import annotations

from collections.abc import Mapping

# With either of the first two, the depth is a lower bound if the labels are right.
SURFACE_CUT, KEYHOLE_CUT = "surface cut off", "keyhole cut off"
KEYHOLE_BELOW = "keyhole below surface"
# Share of the columns with metal up to the first row from which on the surface is out of sight.
MOST_CUT = 0.3
# The mouth of an open keyhole lies within this of the surface, as its columns do.
MOST_BELOW_PX = 5
# Share of the frames with a keyhole from which on it is worth a note.
_NOTED = 0.1
_WORDS = {
    SURFACE_CUT: "the substrate reaches the first row, and the depth counts from there. If the "
    "surface lies above the frame, depth and area are too small: use a larger crop, or none. If "
    "it is in sight, gas was labelled substrate and the depth is too large: correct the labels.",
    KEYHOLE_CUT: "the keyhole reaches the last row and may go on below it. Keyhole depth and area "
    "are too small there: use a larger crop, or none.",
    KEYHOLE_BELOW: f"the keyhole begins more than {MOST_BELOW_PX} px below the surface, from which "
    "its depth counts: the depth is larger than the keyhole is high. If its mouth was labelled "
    "powder or substrate, correct the labels; if the surface is bent or the keyhole closed at the "
    "top, its own extent is keyhole_height_px.",
}


def depth_notes(flags: Mapping[str, int], n_with_keyhole: int) -> tuple[str, ...]:
    """What must be known of the numbers of a stack, in words; empty if its depths hold.

    flags : frames with each flag. n_with_keyhole : frames with a keyhole.
    """
    return tuple(
        f"in {n} of {n_with_keyhole} frames with a keyhole {words}"
        for flag, words in _WORDS.items()
        if (n := flags.get(flag, 0)) and n >= _NOTED * n_with_keyhole
    )
