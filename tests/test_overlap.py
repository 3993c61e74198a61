"""Ordered, bounded, prompt: what a pipeline of threads must be."""

import threading

import pytest

from napari_amseg.overlap import ordered_map


def test_results_come_in_order_although_later_items_are_done_first():
    later_done = threading.Event()

    def slow_first(n: int) -> int:
        if n == 0:
            assert later_done.wait(10)
        else:
            later_done.set()
        return n

    assert list(ordered_map(slow_first, range(20), workers=2)) == list(range(20))


def test_no_item_is_taken_further_ahead_than_allowed():
    taken = []

    def items():
        for n in range(100):
            taken.append(n)
            yield n

    results = ordered_map(lambda n: n, items(), workers=2, ahead=4)
    for n, result in enumerate(results, start=1):
        assert result == n - 1
        assert len(taken) <= n + 3


def test_an_error_is_raised_in_its_place():
    def fails_at_three(n: int) -> int:
        if n == 3:
            raise ValueError("frame 3 cannot be decoded")
        return n

    found = []
    with pytest.raises(ValueError, match="frame 3"):
        for n in ordered_map(fails_at_three, range(10), workers=2):
            found.append(n)
    assert found == [0, 1, 2]


def test_closing_drops_what_has_not_begun_and_leaves_no_thread():
    begun = []
    results = ordered_map(begun.append, iter(range(1000)), workers=2, ahead=6)
    next(results)
    results.close()
    assert len(begun) <= 6
    assert not [t for t in threading.enumerate() if t.name.startswith("amseg-overlap")]
