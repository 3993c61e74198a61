"""How carefully annotation is kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from napari_amseg.settings import Settings, setting

ROOT_VARIABLE = "AMSEG_ANNOTATION_FOLDER"


@dataclass(frozen=True, slots=True)
class SafetySettings(Settings):
    """How often work is kept, and how much of what was before."""

    autosave_s: float = setting(
        2.0, unit="s", low=0.05, high=60, help="What was painted is on the disk after this time."
    )
    backups: int = setting(
        5, low=0, high=100, help="Earlier versions of each label image kept in a benchmark."
    )
    lock_wait_s: float = setting(
        10.0, unit="s", low=0, help="How long to wait while another person saves."
    )
    lock_stale_h: float = setting(
        4.0, unit="h", low=0.1, help="A lock older than this is taken for a left-over."
    )


def recovery_root() -> Path:
    """Where working copies are: a folder of this user on this computer.

    The environment variable AMSEG_ANNOTATION_FOLDER names another one.
    """
    if told := os.environ.get(ROOT_VARIABLE):
        return Path(told).expanduser()
    from platformdirs import user_data_path

    return user_data_path("napari-amseg", appauthor=False) / "annotation"
