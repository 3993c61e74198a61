"""Under which name a picture or a table of what is shown is saved."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".png", ".svg", ".pdf", ".csv")
# Written by others: a user who asks for one is told, instead of given a PNG of that name.
_FOREIGN = (
    ".bmp", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".eps", ".webp", ".xls", ".xlsx", ".txt",
)  # fmt: skip


def save_name(path: Path, *, columns: bool = False) -> Path:
    """The path with a suffix that we write: .png, or .csv for columns, added where there is none.

    path : as chosen. columns : whether columns were asked for; .png was then only proposed.

    Raises
    ------
    ValueError
        If the suffix is that of another kind of file.
    FileExistsError
        If the path becomes another one and that exists: nobody was asked whether to replace it.
    """
    suffix = path.suffix.lower()
    if suffix in _FOREIGN:
        raise ValueError(f"{path.name}: end the name in {', '.join(SUFFIXES)}.")
    if columns and suffix == ".png":
        final = path.with_suffix(".csv")
    elif suffix in SUFFIXES:
        final = path
    else:  # what follows a dot is part of the name: run_0.5
        final = path.with_name(path.name + (".csv" if columns else ".png"))
    if final != path and final.exists():
        raise FileExistsError(
            f"{final.name} exists already: choose it by its full name to replace it."
        )
    return final
