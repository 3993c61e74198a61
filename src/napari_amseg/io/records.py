"""JSON records, read so that whatever is in the file ends in one kind of error."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def read_json(path: str | os.PathLike[str]) -> Any:
    """The record in a JSON file.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no JSON; the message says why, without the name of the file.
    """
    return parse_json(Path(path).read_bytes())


def parse_json(text: str | bytes) -> Any:
    """The record in a JSON text.

    Raises
    ------
    ValueError
        If it is no JSON in UTF-8, or nested so deep that only a fault or malice explains it.
    """
    try:
        return json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except UnicodeDecodeError as error:
        raise ValueError(not_utf8(error)) from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def not_utf8(error: UnicodeDecodeError) -> str:
    """Why a text cannot be read, in words."""
    return f"it is not UTF-8 text, byte {error.start} is 0x{error.object[error.start]:02x}"
