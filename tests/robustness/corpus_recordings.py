"""Recordings of cameras and beamlines that are damaged or lying: HDF5, Photron, cine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import h5py
import numpy as np
from corpus_stacks import SEED, flipped, grey

Spec = tuple[str, str, str]
_PLACE = "entry/imaging/data"


def hdf5(folder: Path) -> Iterator[Spec]:
    """HDF5 files: a sound one, cut and flipped ones, and those with odd contents."""
    sound = folder / "sound.h5"
    with h5py.File(sound, "w") as file:
        file[_PLACE] = grey()
    yield sound.name, "works", "frames where NeXus has them"
    raw, rng = sound.read_bytes(), np.random.default_rng(SEED)
    for at in (0, 8, 100, len(raw) // 4, len(raw) // 2, len(raw) - 1):
        (folder / f"cut_{at:05d}.h5").write_bytes(raw[:at])
        yield f"cut_{at:05d}.h5", "refused", f"cut after {at} of {len(raw)} bytes"
    for i in range(16):
        (folder / f"flipped_{i:02d}.h5").write_bytes(flipped(raw, (0, len(raw)), rng, n=8))
        yield f"flipped_{i:02d}.h5", "either", "bits flipped"
    (folder / "not.h5").write_bytes(b"not a file of arrays")
    yield "not.h5", "refused", "text"
    for name, fill in _CONTENTS.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            fill(file)
        yield f"{name}.h5", "refused", f"HDF5: {name}"


_CONTENTS: dict[str, Callable[[h5py.File], object]] = {
    "nothing": lambda f: None,
    "group_for_data": lambda f: f.create_group(_PLACE),
    "no_frames": lambda f: f.create_dataset(_PLACE, (0, 24, 40), np.uint16),
    "no_rows": lambda f: f.create_dataset(_PLACE, (4, 0, 40), np.uint16),
    "four_axes": lambda f: f.create_dataset(_PLACE, (2, 2, 24, 40), np.uint16),
    "one_axis": lambda f: f.create_dataset(_PLACE, (24,), np.uint16),
    "scalar": lambda f: f.create_dataset(_PLACE, data=5),
    "empty": lambda f: f.create_dataset(_PLACE, data=h5py.Empty("f")),
    "words": lambda f: f.create_dataset(_PLACE, data=np.full((4, 24, 40), b"frame")),
    "complex": lambda f: f.create_dataset(_PLACE, data=grey(np.complex64)),
    "compound": lambda f: f.create_dataset(_PLACE, (4, 24, 40), [("a", "u2"), ("b", "u2")]),
    "nan": lambda f: f.create_dataset(_PLACE, data=np.full((4, 24, 40), np.nan, np.float32)),
    "link_loop": lambda f: f.__setitem__(_PLACE, h5py.SoftLink(f"/{_PLACE}")),
    "group_loop": lambda f: f.__setitem__("entry/again", h5py.SoftLink("/entry")),
    "link_to_nothing": lambda f: f.__setitem__(_PLACE, h5py.SoftLink("/gone")),
    "other_file": lambda f: f.__setitem__(_PLACE, h5py.ExternalLink("gone.h5", "/data")),
    "other_kind": lambda f: f.__setitem__(_PLACE, h5py.ExternalLink("/etc/passwd", "/data")),
    "itself": lambda f: f.__setitem__(_PLACE, h5py.ExternalLink("itself.h5", f"/{_PLACE}")),
    "huge_frame": lambda f: f.create_dataset(
        _PLACE, (1, 10**6, 10**6), np.uint16, chunks=(1, 100, 100)),
}  # fmt: skip


def photron(folder: Path) -> Iterator[Spec]:
    """Headers of Photron cameras, the pixels of four frames beside them; Phantom cines."""
    bomb = '<!DOCTYPE a [<!ENTITY b "cccccccccc">' + "".join(
        f'<!ENTITY b{i} "{f"&b{i - 1};" * 10 if i else "&b;" * 10}">' for i in range(9)
    )
    headers = {
        "empty": "", "words": "a camera", "xml_only": "<cih></cih>", "not_closed": "<cih><image>",
        "bomb": f"{bomb}]><cih>&b8;</cih>", "deep": "<a>" * 50_000,
        "outside": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><cih>&b;</cih>',
        "binary": "\0\x01\x02" * 50,
    }  # fmt: skip
    for name, text in headers.items():
        (folder / f"{name}.cihx").write_text(text)
        (folder / f"{name}.mraw").write_bytes(grey().tobytes())
        yield f"{name}.cihx", "refused", f"Photron header: {name}"
    good = {"Record Rate(fps)": "50000", "Total Frame": "4", "Image Width": "40",
            "Image Height": "24", "Color Type": "Mono", "Color Bit": "16",
            "EffectiveBit Depth": "12", "EffectiveBit Side": "Lower", "File Format": "MRaw",
            "Original Total Frame": "4", "Start Frame": "0"}  # fmt: skip
    changed = {"width_zero": ("Image Width", "0"), "width_huge": ("Image Width", "100000000"),
               "width_words": ("Image Width", "wide"), "negative": ("Image Height", "-24"),
               "frames_huge": ("Total Frame", "1000000000"), "bits": ("Color Bit", "77"),
               "digits": ("Total Frame", "9" * 6000)}  # fmt: skip
    for name, (key, value) in changed.items():
        said = {**good, key: value}
        text = "#Camera Information Header\n" + "".join(f"{k} : {v}\n" for k, v in said.items())
        (folder / f"{name}.cih").write_text(text)
        (folder / f"{name}.mraw").write_bytes(grey().tobytes())
        yield f"{name}.cih", "refused", f"Photron header: {key} is {value[:20]}"
    text = "#Camera Information Header\n" + "".join(f"{k} : {v}\n" for k, v in good.items())
    (folder / "sound.cih").write_text(text)
    (folder / "sound.mraw").write_bytes(grey().tobytes())
    yield "sound.cih", "works", "a sound Photron recording"
    yield from _cines(folder)


def _cines(folder: Path) -> Iterator[Spec]:
    """Phantom cines: a sound one, cut and flipped ones, and some that are none."""
    place = Path(__file__).parents[1] / "io" / "camera" / "test_cine.py"
    spec = spec_from_file_location("cines_as_published", place)
    assert spec is not None
    assert spec.loader is not None
    published = module_from_spec(spec)
    spec.loader.exec_module(published)
    raw = published.write(folder / "sound.cine", grey(), times_s=np.arange(4) / 50_000).read_bytes()
    yield "sound.cine", "works", "a sound cine"
    rng = np.random.default_rng(SEED)
    for at in (3, 44, 84, 1500, len(raw) // 2, len(raw) - 1):
        (folder / f"cut_{at:05d}.cine").write_bytes(raw[:at])
        yield f"cut_{at:05d}.cine", "refused", f"cine cut after {at} of {len(raw)} bytes"
    for name, where in {"header": (0, 84), "setup": (84, 1700), "table": (7600, 7900)}.items():
        for i in range(6):
            (folder / f"flipped_{name}_{i}.cine").write_bytes(flipped(raw, where, rng))
            yield f"flipped_{name}_{i}.cine", "either", f"cine, bits flipped in its {name}"
    for name, raw in {"empty": b"", "cut": b"CI" + bytes(30), "zeros": bytes(500),
                      "counts": b"CI,\0" + b"\xff" * 400}.items():  # fmt: skip
        (folder / f"{name}.cine").write_bytes(raw)
        yield f"{name}.cine", "refused", f"cine: {name}"
