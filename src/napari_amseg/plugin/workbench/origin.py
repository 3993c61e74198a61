"""Of which stack labels are, as far as anybody knows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_amseg.io.address import split_address
from napari_amseg.plugin.layers import KEY, ImageSource, image_source, label_source

if TYPE_CHECKING:
    from napari.layers import Layer

_Origin = tuple[str, int, str]  # the first file, how many there are, the dataset inside


def may_be_of(labels: Layer, image: Layer) -> bool:
    """Whether labels may be those of an image: not if they are known to be of another stack."""
    source, stack = label_source(labels), image_source(image).stack
    here = _origin(stack.files, stack.address)
    if source.made_by is not None:
        made_of = source.made_by[0].stack
        there = _origin(made_of.files, made_of.address)
        if here is None and there is None and isinstance(image.metadata.get(KEY), ImageSource):
            return made_of.read is stack.read
        return here == there
    files, address = source.run.get("files"), source.run.get("source")
    if not isinstance(files, list) or not isinstance(address, str):
        return True
    there = _origin(files, (address,))
    return here is None or there is None or here == there


def _origin(files: Sequence[str], address: Sequence[str]) -> _Origin | None:
    """None of a stack in memory."""
    if not files or not address:
        return None
    return os.path.abspath(files[0]), len(files), split_address(address[0])[1]
