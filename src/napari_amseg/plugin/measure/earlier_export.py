"""What an export finds in its folder: files of the same stack are replaced, others are not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_amseg.io.address import split_address
from napari_amseg.pipeline.files import result_names
from napari_amseg.provenance import sha256

Inputs = Sequence[dict[str, str]]


def check_earlier(folder: Path, stem: str, inputs: Inputs, source: str | None) -> None:
    """Let results be replaced only by those of the same stack.

    inputs, source : of the new results, as in their run record.

    Raises
    ------
    FileExistsError
        If there are results of that name that are of another stack, or nobody knows of which.
    """
    names = result_names(stem, labels=False)
    found = next((name for name in names if (folder / name).exists()), None)
    if found is None or _is_own_labels(folder, stem, source):
        return
    record = _read(folder / f"{stem}_run.json")
    maker = record.get("labels_made_by") or record
    for known in (record, maker):
        theirs = known.get("source")
        if inputs and known.get("inputs") == list(inputs) and _may_be_alike(theirs, source):
            return
        if source is not None and theirs == source:
            return
    of = maker.get("source") or ", ".join(i["name"] for i in maker.get("inputs") or ())
    raise FileExistsError(
        f"{folder / found}: exists already and is of {of or 'unknown labels'}; "
        "choose another folder."
    )


def maker_of_labels(folder: Path, stem: str) -> dict[str, Any] | None:
    """The run record of the labels that lie in the folder, which new tables must not lose, and
    whether they were edited since; None if there are none.
    """
    labels = folder / f"{stem}_labels.tif"
    record = _read(folder / f"{stem}_run.json")
    maker = record.get("labels_made_by") or record
    outputs = maker.get("outputs") or ()
    if not labels.exists() or labels.name not in [output["name"] for output in outputs]:
        return None
    now = {"name": labels.name, "sha256": sha256(labels)}
    return {**maker, "edited_since": now not in outputs}


def _may_be_alike(one: str | None, other: str | None) -> bool:
    """Whether files with the same bytes are the same stack: not two datasets inside one."""
    return not one or not other or split_address(one)[1] == split_address(other)[1]


def _is_own_labels(folder: Path, stem: str, source: str | None) -> bool:
    return source is not None and Path(source) == (folder / f"{stem}_labels.tif").resolve()


def _read(path: Path) -> dict[str, Any]:
    """A run record; empty if there is none or it cannot be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
