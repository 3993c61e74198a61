"""Stacks a worker has open: the chunks of a stack share its flats, background and file handles."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from napari_amseg.types import Stack

_MOST = 2
_kept: OrderedDict[str, Stack] = OrderedDict()
_computing = threading.Lock()


@contextmanager
def alone() -> Iterator[None]:
    """One chunk at a time in this process, whatever number of threads its worker has: chunks share
    the engine and the open stack, and compute in threads of their own.
    """
    with _computing:
        yield


def opened(key: str, open_stack: Callable[[], Stack]) -> Stack:
    """The stack kept under this key, or a new one; call it :func:`alone`."""
    if key in _kept:
        _kept.move_to_end(key)
        return _kept[key]
    while len(_kept) >= _MOST:
        _kept.popitem(last=False)[1].close()
    _kept[key] = open_stack()
    return _kept[key]


def close(key: str) -> None:
    """Close the stack kept under this key, if there is one."""
    with _computing:
        if key in _kept:
            _kept.pop(key).close()
