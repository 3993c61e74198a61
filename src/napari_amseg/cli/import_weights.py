"""``amseg import-weights``: the authors' published weights as a model bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_weights(
    file: Annotated[Path, typer.Argument(help="Keras 2 weights file (.hdf5, .h5).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the bundle.")],
    arch: Annotated[str, typer.Option(help="The network it holds: amsegnet, unet.")] = "amsegnet",
) -> None:
    """Turn published Keras 2 weights into a model bundle.

    The file is checked against the network, layer by layer; another network, a truncated file or
    something else is refused.
    """
    from napari_amseg.models.published import import_weights as run

    bundle = run(file, architecture=arch, folder=out)
    typer.echo(f"{bundle.folder}: {bundle.card.architecture}, ready for amseg segment --model")
