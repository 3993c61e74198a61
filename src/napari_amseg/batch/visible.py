"""Do the workers see what this process sees? Found out before the first task."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from glob import has_magic
from pathlib import Path
from typing import Any

_SECONDS_TO_WAIT = 30


def require_visible(client: Any, lease: Path, stacks: Iterable[str]) -> None:
    """Raise OSError or ValueError unless every worker can run the campaign.

    Parameters
    ----------
    client : of a running cluster, which is waited for half a minute to have workers.
    lease : a file in the folder of results. stacks : paths or globs; folders that this machine
        sees, the workers must see.
    """
    from napari_amseg import __version__

    end = time.monotonic() + _SECONDS_TO_WAIT
    while not client.nthreads():
        if time.monotonic() > end:
            raise OSError(
                f"scheduler {client.scheduler.address}: has no worker. Start some with "
                f"'dask worker {client.scheduler.address}', in an environment with napari-amseg."
            )
        time.sleep(0.2)
    folders = {str(_folder(Path(stack))) for stack in stacks}
    seen = sorted(folder for folder in folders if os.path.isdir(folder))
    try:
        answers = client.run(what_is_missing, str(lease), seen, __version__)
    except ModuleNotFoundError as error:
        raise OSError(
            f"a worker of {client.scheduler.address} lacks napari-amseg ({error}): start the "
            "workers in an environment where it is installed."
        ) from None
    for worker, problem in answers.items():
        if problem:
            raise OSError(f"worker {worker}: {problem}")


def what_is_missing(lease: str, folders: list[str], version: str) -> str | None:
    """Run on a worker: why it cannot take part; None if it can."""
    from napari_amseg import __version__

    if __version__ != version:
        return f"has napari-amseg {__version__}, this is {version}: use the same everywhere."
    share = "Workers must see the same files under the same paths as the machine that starts them."
    if not os.path.isfile(lease):
        return f"does not see the folder of results, {os.path.dirname(lease)}. {share}"
    if not os.access(os.path.dirname(lease), os.W_OK):
        return f"may not write into {os.path.dirname(lease)}."
    for folder in folders:
        if not os.path.isdir(folder):
            return f"does not see {folder}, where stacks lie. {share}"
    return None


def _folder(stack: Path) -> Path:
    """The folder a stack lies in; of a glob, the first part without wildcards."""
    folder = stack.parent
    while has_magic(str(folder)):
        folder = folder.parent
    return folder
