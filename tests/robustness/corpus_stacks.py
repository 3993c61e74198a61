"""Stacks and label images that are damaged, odd or lying: TIFF, other images, folders."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

SEED = 20240311
SHAPE = (4, 24, 40)
Spec = tuple[str, str, str]  # name, outcome, why

# Where a file is cut, as shares of its length; the last byte alone on top.
_CUTS = (0.0, 0.002, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
_FLIPS = {"header": 6, "directory": 10, "data": 3}


def grey(dtype: Any = np.uint16) -> np.ndarray:
    """Frames of 12-bit counts, (4, 24, 40), the same every time."""
    rng = np.random.default_rng(SEED)
    counts = rng.integers(200, 4000, SHAPE)
    return (counts // 16 if np.dtype(dtype).itemsize == 1 else counts).astype(dtype)


def label_frames() -> np.ndarray:
    """Label images that belong to :func:`grey`, uint8 (4, 24, 40)."""
    frame = np.full(SHAPE[1:], 4, np.uint8)
    frame[10:] = 3
    frame[10:18, 15:20] = 1
    frame[20:22, 5:8] = 2
    return np.stack([np.roll(frame, t, axis=1) for t in range(SHAPE[0])])


KINDS: dict[str, dict[str, Any]] = {
    "pages": {"metadata": None},
    "pages_apart": {"metadata": None, "contiguous": False},
    "bigtiff": {"metadata": None, "bigtiff": True},
    "ome": {"ome": True, "metadata": {"axes": "TYX", "PhysicalSizeX": 2.0, "PhysicalSizeY": 2.0}},
    "imagej": {"imagej": True, "metadata": {"axes": "TYX", "unit": "um", "finterval": 2e-5}},
    "imagej_one_page": {"imagej": True, "metadata": {"axes": "TYX"}, "truncate": True},
    "big_endian": {"metadata": None, "byteorder": ">"},
    "tiled": {"metadata": None, "tile": (16, 16)},
    "lzw": {"metadata": None, "compression": "lzw"},
    "zlib": {"metadata": None, "compression": "zlib"},
    "zstd": {"metadata": None, "compression": "zstd"},
    "jpeg": {"metadata": None, "compression": "jpeg"},
    "predictor": {"metadata": None, "compression": "zlib", "predictor": True},
    "described": {"description": '{"shape": [4, 24, 40]}', "metadata": None},
}


def tiff_kinds(folder: Path) -> Iterator[Spec]:
    """A sound file of every kind, then cut and bit-flipped ones."""
    rng = np.random.default_rng(SEED)
    for kind, options in KINDS.items():
        options = {"photometric": "minisblack", **options}
        data = grey(np.uint8 if kind == "jpeg" else np.uint16)
        sound = folder / f"sound_{kind}.tif"
        tifffile.imwrite(sound, data, **options)
        if kind == "ome":  # has a number of its own each time
            always = b"urn:uuid:00000000-0000-0000-0000-000000000000"
            sound.write_bytes(re.sub(rb"urn:uuid:[0-9a-f-]{36}", always, sound.read_bytes()))
        yield sound.name, "works", f"a sound TIFF, {kind}"
        raw = sound.read_bytes()
        for at in sorted({*(int(share * len(raw)) for share in _CUTS), len(raw) - 1}):
            name = f"cut_{kind}_{at:06d}.tif"
            (folder / name).write_bytes(raw[:at])
            yield name, "either", f"{kind} cut after {at} of {len(raw)} bytes"
        for region, where in _regions(sound, raw).items():
            for i in range(_FLIPS[region]):
                name = f"flipped_{kind}_{region}_{i:02d}.tif"
                (folder / name).write_bytes(flipped(raw, where, rng))
                yield name, "either", f"{kind}, bits flipped in its {region}"


def _regions(path: Path, raw: bytes) -> dict[str, tuple[int, int]]:
    """Where header, first directory and pixels lie."""
    with tifffile.TiffFile(path) as tif:
        page = tif.pages.first
        start, data = page.offset, page.dataoffsets[0]
    return {
        "header": (0, 8),
        "directory": (start, min(start + 180, len(raw))),
        "data": (data, min(data + 1000, len(raw))),
    }


def flipped(raw: bytes, where: tuple[int, int], rng: np.random.Generator, n: int = 3) -> bytes:
    """The bytes with `n` bits flipped between two places."""
    changed = bytearray(raw)
    for at in rng.integers(*where, n):
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def pixel_types(folder: Path) -> Iterator[Spec]:
    """What pixels can be: each is either read rightly or refused with its reason."""
    for dtype in ("uint8", "int8", "int16", "int32", "uint32", "float16", "float32", "float64"):
        tifffile.imwrite(folder / f"type_{dtype}.tif", grey(dtype), photometric="minisblack")
        yield f"type_{dtype}.tif", "works", f"{dtype} pixels"
    for dtype in ("uint64", "int64"):
        tifffile.imwrite(folder / f"type_{dtype}.tif", grey(dtype), photometric="minisblack")
        yield f"type_{dtype}.tif", "either", f"{dtype} pixels"
    for dtype in ("complex64", "complex128"):
        tifffile.imwrite(folder / f"type_{dtype}.tif", grey(dtype), photometric="minisblack")
        yield f"type_{dtype}.tif", "refused", "complex pixels have no grey value"
    tifffile.imwrite(folder / "type_bool.tif", grey() > 2000, photometric="minisblack")
    yield "type_bool.tif", "either", "one bit a pixel"
    for name, bad in (("nan", np.nan), ("infinite", np.inf)):
        frames = grey(np.float32)
        frames[1, 2, 3] = bad
        tifffile.imwrite(folder / f"type_{name}.tif", frames, photometric="minisblack")
        yield f"type_{name}.tif", "refused", f"one pixel is {name}: it would spread"
    tifffile.imwrite(folder / "type_constant.tif", np.full(SHAPE, 7, np.uint16), metadata=None,
                     photometric="minisblack")  # fmt: skip
    yield "type_constant.tif", "either", "every pixel has one value"
    tifffile.imwrite(folder / "type_rgb.tif", np.zeros((4, 24, 40, 3), np.uint8), photometric="rgb")
    yield "type_rgb.tif", "refused", "colour, contiguous"
    tifffile.imwrite(folder / "type_rgb_planar.tif", np.zeros((4, 3, 24, 40), np.uint8),
                     photometric="rgb", planarconfig="separate")  # fmt: skip
    yield "type_rgb_planar.tif", "refused", "colour, planar"
    tifffile.imwrite(folder / "type_cmyk.tif", np.zeros((24, 40, 4), np.uint8),
                     photometric="separated")  # fmt: skip
    yield "type_cmyk.tif", "refused", "CMYK"
    colours = np.arange(768, dtype=np.uint16).reshape(3, 256)
    tifffile.imwrite(folder / "type_palette.tif", grey(np.uint8)[0], photometric="palette",
                     colormap=colours)  # fmt: skip
    yield "type_palette.tif", "either", "indexed colours"
    hyperstack = grey().reshape(2, 2, 24, 40)
    tifffile.imwrite(folder / "type_hyperstack.tif", hyperstack, imagej=True,
                     metadata={"axes": "TCYX"})  # fmt: skip
    yield "type_hyperstack.tif", "refused", "time and channels"
    packed = bare_tiff(40, 24, bits=12, data=b"\x12\x34\x56" * 480)
    (folder / "type_packed_12_bit.tif").write_bytes(packed)
    yield "type_packed_12_bit.tif", "works", "12 bits a pixel, packed"


def shapes(folder: Path) -> Iterator[Spec]:
    """Small, mixed and huge frames; a header is a claim, not a reason to allocate."""
    for shape in ((1, 1, 1), (1, 1, 40), (3, 1, 40), (3, 40, 1), (1, 24, 40)):
        name = f"shape_{'x'.join(map(str, shape))}.tif"
        tifffile.imwrite(folder / name, grey()[: shape[0], : shape[1], : shape[2]]
                         if shape[1] <= 24 else np.ones(shape, np.uint16), metadata=None,
                         photometric="minisblack")  # fmt: skip
        yield name, "works", f"frames of {shape[1]}x{shape[2]}"
    for name, pages, why in (
        ("mixed_shapes", (grey()[0], grey()[1][:12]), "pages of two sizes"),
        ("mixed_types", (grey()[0], grey(np.uint8)[1]), "pages of two types"),
    ):
        with tifffile.TiffWriter(folder / f"{name}.tif") as file:
            for page in pages:
                file.write(page, metadata=None, photometric="minisblack")
        yield f"{name}.tif", "refused", why
    for name, width, height, bits in (
        ("huge_both", 100_000, 100_000, 16),
        ("huge_width", 2**31, 1, 16),
        ("huge_height", 1, 2**32 - 1, 32),
        ("zero_width", 0, 24, 16),
        ("zero_height", 40, 0, 16),
        ("zero_bits", 40, 24, 0),
        ("odd_bits", 40, 24, 77),
    ):
        (folder / f"{name}.tif").write_bytes(bare_tiff(width, height, bits=bits, data=bytes(64)))
        yield f"{name}.tif", "refused", f"header says {width}x{height}, {bits} bits"
    small_strip = bare_tiff(50_000, 50_000, bits=8, data=b"\x78\x9c" + bytes(60), compression=8)
    (folder / "huge_compressed.tif").write_bytes(small_strip)
    yield "huge_compressed.tif", "refused", "a strip of 62 bytes for 2.5 GB"
    frames = f"ImageJ=1.54f\nimages={10**9}\nframes={10**9}\n"
    (folder / "huge_frames.tif").write_bytes(
        bare_tiff(40, 24, bits=16, data=bytes(1920), description=frames)
    )
    yield "huge_frames.tif", "refused", "ImageJ header promises 10^9 frames"
    shaped = '{"shape": [1000000000, 24, 40]}'
    (folder / "huge_shaped.tif").write_bytes(
        bare_tiff(40, 24, bits=16, data=bytes(1920), description=shaped)
    )
    yield "huge_shaped.tif", "either", "description promises 10^9 frames"
    for name, next_at in (("loop_self", 8), ("loop_beyond", 2**31)):
        (folder / f"{name}.tif").write_bytes(
            bare_tiff(40, 24, bits=16, data=bytes(1920), next_directory=next_at)
        )
        yield f"{name}.tif", "refused", "the chain of directories does not end"


def bare_tiff(
    width: int,
    height: int,
    *,
    bits: int,
    data: bytes,
    compression: int = 1,
    description: str = "",
    next_directory: int = 0,
) -> bytes:
    """A little-endian TIFF of one strip, in which nothing need be true."""
    text = description.encode() + b"\0"
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, bits),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        *([(270, 2, len(text), None)] if description else []),
        (273, 4, 1, None),
        (277, 3, 1, 1),
        (278, 4, 1, min(height, 2**32 - 1)),
        (279, 4, 1, len(data)),
    ]
    end = 8 + 2 + 12 * len(tags) + 4
    places = {270: end, 273: end + (len(text) if description else 0)}
    body = b"".join(
        struct.pack("<HHII", tag, kind, n, places[tag] if value is None else value)
        for tag, kind, n, value in tags
    )
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + body
    return head + struct.pack("<I", next_directory) + (text if description else b"") + data


def not_stacks(folder: Path) -> Iterator[Spec]:
    """Files that are not what their name says, and files with nothing in them."""
    import imageio.v3 as iio

    picture = folder / "picture.png"
    iio.imwrite(picture, grey(np.uint8)[0])
    yield picture.name, "works", "a grey PNG is a stack of one frame"
    iio.imwrite(folder / "colour.png", np.zeros((24, 40, 3), np.uint8))
    yield "colour.png", "refused", "a colour PNG"
    png = picture.read_bytes()
    tiff = (folder / "sound_pages.tif").read_bytes()
    contents = {
        "empty.tif": b"",
        "empty.png": b"",
        "png_called.tif": png,
        "text.tif": b"frame,depth\n0,1\n" * 20,
        "program.tif": b"\x7fELF\x02\x01\x01" + bytes(200),
        "zeros.tif": bytes(4096),
        "header_only.tif": b"II*\0\x08\0\0\0",
        "no_directory.tif": b"II*\0\0\0\0\0",
        "cut.png": png[: len(png) // 2],
        "bomb.png": _png_claiming(png, 100_000, 100_000),
        "tiff_called.h5": tiff,
        "no_suffix": tiff,
        "notes.txt": b"hello",
        "empty.h5": b"",
        "text.h5": b"not a file of arrays",
        "text.mraw": b"nothing",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        yield name, "refused", "not what it claims to be, or nothing"
    (folder / "tiff_called.png").write_bytes(tiff)
    yield "tiff_called.png", "either", "a TIFF with the name of a PNG"
    yield "not_there.tif", "refused", "there is no such file"
    yield "not_there_*.tif", "refused", "a pattern nothing fits"


def _png_claiming(png: bytes, width: int, height: int) -> bytes:
    """A PNG whose header, with its checksum, states another size."""
    header = png[12:16] + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


def folders(folder: Path) -> Iterator[Spec]:
    """Stacks kept as numbered images, and what can be wrong with them."""
    frames = grey()
    changes: dict[str, tuple[str, str]] = {
        "whole": ("works", "frames 0 to 3"),
        "gap": ("works", "frame 2 is missing: noted"),
        "sub_folder": ("works", "a folder with the name of a frame"),
        "link_loop": ("works", "a link to the folder itself"),
        "twice": ("either", "two files with the number 1"),
        "damaged": ("refused", "one frame is no image"),
        "cut": ("either", "one frame is cut short"),
        "empty_member": ("refused", "one frame has no bytes"),
        "other_shape": ("refused", "one frame is smaller"),
        "other_type": ("either", "one frame is of another type"),
        "many_pages": ("refused", "one frame is a stack"),
        "dangling": ("refused", "one frame is a link to nothing"),
        "nothing": ("refused", "no image in it"),
        "unnumbered": ("refused", "names without numbers"),
        "long_numbers": ("works", "numbers of 30 digits"),
    }
    for name, (outcome, why) in changes.items():
        where = folder / name
        where.mkdir()
        if name != "nothing":
            for t, frame in enumerate(frames):
                tifffile.imwrite(where / _frame_name(name, t), frame, metadata=None)
        _spoil(name, where)
        yield name, outcome, f"folder: {why}"


def _frame_name(case: str, t: int) -> str:
    if case == "unnumbered":
        return f"{'abcd'[t]}.tif"
    return f"f_{t:030d}.tif" if case == "long_numbers" else f"f_{t:03d}.tif"


def _spoil(name: str, where: Path) -> None:
    second = where / "f_002.tif"
    if name in ("gap", "dangling", "sub_folder"):
        second.unlink()
    if name == "dangling":
        second.symlink_to(where / "gone.tif")
    elif name == "sub_folder":
        second.mkdir()
    elif name == "link_loop":
        (where / "f_004.tif").symlink_to(where)
    elif name == "twice":
        tifffile.imwrite(where / "f_1.tif", grey()[1], metadata=None)
    elif name == "damaged":
        second.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    elif name == "cut":
        second.write_bytes(second.read_bytes()[:1000])
    elif name == "empty_member":
        second.write_bytes(b"")
    elif name == "other_shape":
        tifffile.imwrite(second, grey()[2, :12], metadata=None)
    elif name == "other_type":
        tifffile.imwrite(second, grey(np.uint8)[2], metadata=None)
    elif name == "many_pages":
        tifffile.imwrite(second, grey(), metadata=None, photometric="minisblack")


def label_images(folder: Path) -> Iterator[Spec]:
    """Label stacks for :func:`grey`: only the first is right."""
    good = label_frames()
    strange = good.copy()
    strange[1, 0, :5] = 77
    contents: dict[str, tuple[np.ndarray, str]] = {
        "right": (good, "works"),
        "unlabelled": (np.zeros_like(good), "either"),
        "unknown_code": (strange, "either"),
        "negative": (good.astype(np.int16) - 2, "refused"),
        "too_large": (good.astype(np.uint16) * 300, "refused"),
        "float": (good.astype(np.float32), "either"),
        "fraction": (good + np.float32(0.5), "refused"),
        "nan": (np.where(good == 1, np.nan, good).astype(np.float32), "refused"),
        "small": (good[:, :12], "either"),
        "short": (good[:2], "either"),
        "one_bit": (good == 1, "either"),
    }
    for name, (frames, outcome) in contents.items():
        tifffile.imwrite(folder / f"{name}.tif", frames, metadata=None, photometric="minisblack")
        yield f"{name}.tif", outcome, f"label images, {name}"
    raw = (folder / "right.tif").read_bytes()
    (folder / "cut.tif").write_bytes(raw[: len(raw) // 2])
    yield "cut.tif", "refused", "label images cut in half"
    (folder / "text.tif").write_bytes(b"labels")
    yield "text.tif", "refused", "text with the name of label images"
