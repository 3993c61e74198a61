"""Work on several items at once, results in order, never more in memory than a few items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    ahead: int | None = None,
) -> Generator[Result]:
    """``function`` of every item, computed in threads that overlap with whoever takes the results.

    Threads serve work that releases Python's lock: reading, decoding, NumPy, inference, packing.

    Parameters
    ----------
    function : called in the threads, `workers` at once. items : taken one by one, in the thread
        that asks for results, as far ahead as allowed.
    ahead : most items begun or done and not yet taken; twice the workers by default. So a slow
        consumer holds the threads up, and memory does not grow.

    Yields
    ------
    Results in the order of the items. An error is raised where its result would have come. Closing
    the generator drops what has not begun and waits for the calls at hand.
    """
    ahead = max(workers, ahead or 2 * workers)
    begun: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="amseg-overlap")
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) >= ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
