"""Single grey images (PNG, JPEG, BMP): a stack of one frame, or frames of a sequence."""

from __future__ import annotations

from pathlib import Path

from napari_amseg.types import Frame, Stack, stack_from_array


def open_image(path: Path) -> Stack:
    """A one-frame stack; the image is small, so it is read at once."""
    return stack_from_array(read_image(path), files=(str(path),))


def read_image(path: Path) -> Frame:
    """A grey image as (Y, X) in its own dtype.

    Raises
    ------
    ValueError
        If the file is no image, or not grey.
    """
    import imageio.v3 as iio

    try:
        image = iio.imread(path)
    except Exception as error:  # imageio plugins raise anything from SyntaxError to struct.error
        raise ValueError(f"{path}: not a readable image ({error}).") from error
    require_grey(path, image.shape)
    return image


def require_grey(path: Path, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless `shape` is that of one grey image."""
    if len(shape) != 2:
        raise ValueError(
            f"{path}: image has shape {shape}, expected one grey plane (rows, columns). "
            "Convert colour images to grey, for example Image > Type > 16-bit in Fiji; if these "
            "are three or four frames, save them as a grey stack (photometric 'minisblack')."
        )
