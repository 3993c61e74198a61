"""Frames that hold no label at all: nobody knows whether there was a keyhole."""

from __future__ import annotations

# Flag of a frame all of whose pixels have code 0. Its area and counts are 0, by definition of the
# tables, not because nothing was there.
UNLABELLED = "unlabelled"


def unlabelled_notes(n_unlabelled: int, n_frames: int) -> tuple[str, ...]:
    """What must be known of the numbers of a stack, in words; empty if all frames hold labels."""
    if not n_unlabelled:
        return ()
    return (
        f"{n_unlabelled} of {n_frames} frames hold no label: whether they show a keyhole or pores "
        f"is not known; their rows say 0 and have the flag '{UNLABELLED}'.",
    )
