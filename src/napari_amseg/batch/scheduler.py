"""Whether a Dask scheduler answers at an address.

Asked before a client is made: that waits for ever where something else listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_SECONDS_TO_CONNECT, _SECONDS_TO_ANSWER = 8.0, 10.0


def require_scheduler(distributed: Any, address: str) -> None:
    """Raise OSError unless the scheduler answers within ten seconds.

    distributed : the package.
    """
    try:
        kind = _run(asyncio.wait_for(_kind(distributed, address), _SECONDS_TO_ANSWER))
    except TimeoutError:
        problem = (
            f"no answer in {_SECONDS_TO_ANSWER:g} s. Something else than Dask may listen there"
        )
    except (OSError, ValueError, TypeError) as error:
        problem = f"does not answer ({error})"
    except Exception:  # any bytes may have come; MemoryError: they are read as a length first
        problem = "something else than Dask answers there"
    else:
        if kind == "Scheduler":
            return
        problem = f"is a Dask {str(kind).lower()}"
    raise OSError(
        f"scheduler {address}: {problem}. Start one with 'dask scheduler', and give the address it "
        "prints, such as tcp://host:8786."
    )


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Do it here, or in a thread of its own where a loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)  # here, so that Ctrl-C ends it at once
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _kind(distributed: Any, address: str) -> Any:
    """What answers there."""
    how = distributed.Security().get_connection_args("client")
    async with distributed.rpc(address, timeout=_SECONDS_TO_CONNECT, connection_args=how) as asked:
        return (await asked.identity())["type"]
