"""Numbers of things in messages."""

from __future__ import annotations

import pytest

from napari_amseg.words import counted


@pytest.mark.parametrize(
    ("n", "words"), [(0, "0 frames"), (1, "1 frame"), (2, "2 frames"), (13812, "13,812 frames")]
)
def test_numbers_of_things(n, words):
    assert counted(n, "frame") == words
