"""Half-written files of a run that was killed go when its stack is written again.

A file says who writes a stack, so that those of a process that still runs are left alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from glob import escape
from pathlib import Path

from napari_amseg.batch.lease import is_dead, myself
from napari_amseg.io import OutputFiles
from napari_amseg.io.records import read_json

_SECONDS_TO_DEATH = 86400.0  # of a process on another machine, which cannot be asked


@contextmanager
def output_files(folder: Path, name: str) -> Iterator[OutputFiles]:
    """Output files one of which is to be called `name`; what killed processes have left of such a
    set is removed first.
    """
    files, kind = OutputFiles(folder), f"{name}.writing-"
    with ExitStack() as at_the_end, files:
        for record in folder.glob(f"{escape(kind)}*"):
            if _is_left(record):
                for part in folder.glob(f".*.{escape(record.name.removeprefix(kind))}.part"):
                    part.unlink(missing_ok=True)
                record.unlink(missing_ok=True)
        own = folder / f"{kind}{files.token}"
        at_the_end.callback(own.unlink, missing_ok=True)  # when the files have their names
        own.write_text(json.dumps(myself()), encoding="utf-8")
        yield files


def _is_left(record: Path) -> bool:
    """Whether who wrote this is gone."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        if is_dead(read_json(record)):
            return True
    try:
        return time.time() - record.stat().st_mtime > _SECONDS_TO_DEATH
    except OSError:
        return False
