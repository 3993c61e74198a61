"""Chains, bundles, weights and benchmark folders that were altered, damaged or made to harm."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from corpus_stacks import grey, label_frames

from napari_amseg.models import bundled_models

Spec = tuple[str, str, str]
# What a harmful file would write if anything in it were executed.
TRACE = "amseg_was_here"


class Harmful:
    """Unpickled, it makes a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


def chains(folder: Path) -> Iterator[Spec]:
    """Chain records for ``preprocess --chain``."""
    crop = {"step": "crop", "y0": 2, "y1": 20, "x0": 3, "x1": 30}
    contents: dict[str, tuple[Any, str]] = {
        "sound": ({"steps": [crop, {"step": "invert"}]}, "works"),
        "run_record": ({"preprocessing": {"steps": [crop]}, "inputs": []}, "works"),
        "no_steps": ({"format_version": 1}, "refused"),
        "empty_steps": ({"steps": []}, "works"),
        "list": ([crop], "refused"),
        "null": (None, "refused"),
        "number": (7, "refused"),
        "steps_text": ({"steps": "crop"}, "refused"),
        "steps_numbers": ({"steps": [1, 2]}, "refused"),
        "unknown_step": ({"steps": [{"step": "melt"}]}, "refused"),
        "step_list": ({"steps": [{"step": ["crop"]}]}, "refused"),
        "no_kind": ({"steps": [{"y0": 2}]}, "refused"),
        "unknown_setting": ({"steps": [{**crop, "angle": 3}]}, "refused"),
        "text_number": ({"steps": [{**crop, "y0": "2"}]}, "refused"),
        "fraction": ({"steps": [{**crop, "y0": 2.5}]}, "refused"),
        "true": ({"steps": [{**crop, "y0": True}]}, "either"),
        "null_number": ({"steps": [{**crop, "y0": None}]}, "refused"),
        "list_number": ({"steps": [{**crop, "y0": [1]}]}, "refused"),
        "negative": ({"steps": [{**crop, "y0": -2}]}, "refused"),
        "huge": ({"steps": [{**crop, "y1": 10**30}]}, "refused"),
        "outside": ({"steps": [{**crop, "y1": 300}]}, "refused"),
        "newer": ({"format_version": 99, "steps": []}, "refused"),
        "version_text": ({"format_version": "1", "steps": []}, "refused"),
        "many_steps": ({"steps": [{"step": "invert"}] * 3000}, "either"),
        "normalise_text": ({"steps": [{"step": "normalise", "low": "dark"}]}, "refused"),
        "normalise_list": ({"steps": [{"step": "normalise", "low": [0]}]}, "refused"),
        "normalise_swapped": ({"steps": [{"step": "normalise", "low": 9, "high": 1}]}, "refused"),
        "background_method": ({"steps": [{"step": "background", "method": "magic"}]}, "refused"),
        "background_window": ({"steps": [{"step": "background", "window": 2.5}]}, "refused"),
        "background_digits": ({"steps": [{"step": "background", "window": 10**400}]}, "refused"),
        "background_huge": ({"steps": [{"step": "background", "window": 10**12}]}, "either"),
        "flat_gone": ({"steps": [{"step": "flat_field", "flat": "gone.tif"}]}, "refused"),
        "flat_number": ({"steps": [{"step": "flat_field", "flat": 5}]}, "refused"),
        "flat_secret": ({"steps": [{"step": "flat_field", "flat": "../../etc/passwd"}]}, "refused"),
        "flat_zero": ({"steps": [{"step": "flat_field", "flat": "a\0b.tif"}]}, "refused"),
        "flat_hash": ({"steps": [{"step": "flat_field", "flat": "x", "flat_sha256": 3}]},
                      "refused"),
    }  # fmt: skip
    for name, (record, outcome) in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(record))
        yield f"{name}.json", outcome, f"chain, {name}"
    texts = {
        "empty": b"", "cut": b'{"steps": [{"step": "cr', "words": b"crop please",
        "deep": b"[" * 200_000, "deep_object": b'{"a":' * 200_000, "utf16": "{}".encode("utf-16"),
        "latin1": b'{"steps": [{"step": "\xe4"}]}', "zeros": bytes(100),
        "nan": b'{"steps": [{"step": "normalise", "low": NaN, "high": 3}]}',
        "infinity": b'{"steps": [{"step": "normalise", "low": 0, "high": Infinity}]}',
        "digits": b'{"steps": [{"step": "crop", "y1": ' + b"9" * 6000 + b"}]}",
        "nan_crop": b'{"steps": [{"step": "crop", "y0": NaN}]}',
    }  # fmt: skip
    for name, raw in texts.items():
        (folder / f"{name}.json").write_bytes(raw)
        yield f"{name}.json", "refused", f"chain, {name}"
    yield "nowhere.json", "refused", "there is no such chain"


def bundles(folder: Path) -> Iterator[Spec]:
    """Bundles made from the shipped model, each with one thing wrong."""
    source = bundled_models()["fast"]
    card = json.loads((source / "model.json").read_text(encoding="utf-8"))
    cards: dict[str, dict[str, Any]] = {
        "hash": {"weights_sha256": "0" * 64},
        "hash_number": {"weights_sha256": 5},
        "architecture": {"architecture": "resnet"},
        "architecture_list": {"architecture": ["unet"]},
        "architecture_path": {"architecture": "../../x"},
        "arguments_unknown": {"arguments": {"layers": 5}},
        "arguments_text": {"arguments": {"filters": "16"}},
        "arguments_list": {"arguments": [16]},
        "arguments_zero": {"arguments": {"filters": 0}},
        "arguments_negative": {"arguments": {"filters": -4}},
        "arguments_other": {"arguments": {"filters": 4}},
        "arguments_huge": {"arguments": {"filters": 10**7}},
        "newer": {"format_version": 99},
        "version_text": {"format_version": "one"},
        "scheme_short": {"label_scheme": card["label_scheme"][:2]},
        "scheme_empty": {"label_scheme": []},
        "scheme_text": {"label_scheme": "five"},
        "scheme_code": {"label_scheme": [{**c, "code": 3} for c in card["label_scheme"]]},
        "scheme_huge": {"label_scheme": [{**c, "code": c["code"] * 100} for c in
                                         card["label_scheme"]]},
        "chain": {"preprocessing": {"steps": [{"step": "eval"}]}},
        "chain_null": {"preprocessing": None},
        "training_text": {"training": "yes"},
    }  # fmt: skip
    for name, change in cards.items():
        _bundle(folder / name, source, {**card, **change})
        yield name, "either" if name == "training_text" else "refused", f"card: {name}"
    texts = {"not_json": b"{", "deep": b"[" * 200_000, "list": b"[]", "null": b"null",
             "empty": b"", "binary": bytes(range(256)), "no_keys": b"{}"}  # fmt: skip
    for name, raw in texts.items():
        _bundle(folder / name, source, card)
        (folder / name / "model.json").write_bytes(raw)
        yield name, "refused", f"card: {name}"
    _bundle(folder / "no_weights", source, card)
    (folder / "no_weights" / "model.weights.h5").unlink()
    (folder / "no_card").mkdir()
    (folder / "no_card" / "model.weights.h5").write_bytes(b"")
    (folder / "nothing").mkdir()
    for name in ("no_weights", "no_card", "nothing", "not_there"):
        yield name, "refused", f"bundle: {name}"
    yield from _altered_weights(folder, source, card)


def _bundle(where: Path, source: Path, card: dict[str, Any], weights: bytes | None = None) -> None:
    """A bundle with this card; its hash fits the weights where they are given."""
    where.mkdir()
    if weights is None:
        kept = where.parent / "shipped.weights.h5"  # one copy for all: it has 5 MB
        if not kept.exists():
            shutil.copyfile(source / "model.weights.h5", kept)
        (where / "model.weights.h5").hardlink_to(kept)
    else:
        (where / "model.weights.h5").write_bytes(weights)
        card = {**card, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    (where / "model.json").write_text(json.dumps(card))


def _altered_weights(folder: Path, source: Path, card: dict[str, Any]) -> Iterator[Spec]:
    """Weights whose hash fits: what is wrong is inside."""
    raw = (source / "model.weights.h5").read_bytes()
    harmful = pickle.dumps(Harmful(folder / TRACE))
    for name, weights in {
        "weights_cut": raw[: len(raw) // 2],
        "weights_empty": b"",
        "weights_text": b"weights",
        "weights_pickle": harmful,
        "weights_numpy": _pickled_numpy(folder),
    }.items():
        _bundle(folder / name, source, card, weights)
        yield name, "refused", f"weights: {name}"
    for name in ("missing", "shape", "words", "nan", "link", "outside"):
        copy = folder / f"{name}.tmp"
        copy.write_bytes(raw)
        _alter(copy, name, folder)
        _bundle(folder / f"weights_{name}", source, card, copy.read_bytes())
        copy.unlink()
        yield f"weights_{name}", "refused", f"weights: one array is {name}"


def _alter(path: Path, how: str, folder: Path) -> None:
    with h5py.File(path, "r+") as file:
        arrays: list[str] = []
        file.visititems(lambda n, o: arrays.append(n) if getattr(o, "size", 0) > 9 else None)
        name = arrays[0]
        old = file[name][()]
        del file[name]
        if how == "shape":
            file[name] = np.zeros((3, 3), np.float32)
        elif how == "words":
            file[name] = np.full(old.shape, b"x")
        elif how == "nan":
            file[name] = np.full(old.shape, np.nan, np.float32)
        elif how == "link":
            file[name] = h5py.SoftLink(f"/{name}")
        elif how == "outside":
            file[name] = h5py.ExternalLink(str(folder / "elsewhere.h5"), "/secret")


def _pickled_numpy(folder: Path) -> bytes:
    import io

    file = io.BytesIO()
    np.save(file, np.array([Harmful(folder / TRACE)], object), allow_pickle=True)
    return file.getvalue()


def published(folder: Path) -> Iterator[Spec]:
    """Files for ``import-weights``: none is the published network."""
    sound = (bundled_models()["fast"] / "model.weights.h5").read_bytes()
    raw = {"keras3.h5": sound, "cut.h5": sound[:5000], "empty.h5": b"", "text.h5": b"weights",
           "pickle.h5": pickle.dumps(Harmful(folder / TRACE))}  # fmt: skip
    for name, content in raw.items():
        (folder / name).write_bytes(content)
        yield name, "refused", f"published weights: {name}"
    lists: dict[str, Any] = {
        "no_layers": [], "one_layer": ["conv"], "missing_layer": ["gone"], "numbers": [1, 2],
        "scalar": "conv", "loop": ["loop"], "no_names": ["bare"], "words": ["text"],
        "scalar_array": ["scalar"], "whole": ["."], "huge": ["huge"],
    }  # fmt: skip
    for name, layers in lists.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            words = bool(layers) and not isinstance(layers[0], int)
            file.attrs["layer_names"] = np.bytes_(layers) if words else layers
            conv = file.create_group("conv")
            conv.attrs["weight_names"] = np.bytes_(["kernel"])
            conv["kernel"] = np.zeros((3, 3, 1, 5), np.float32)
            file["loop"] = h5py.SoftLink("/loop")
            file.create_group("bare")
            text = file.create_group("text")
            text.attrs["weight_names"] = np.bytes_(["kernel"])
            text["kernel"] = np.bytes_(["a", "b"])
            scalar = file.create_group("scalar")
            scalar.attrs["weight_names"] = np.bytes_(["kernel"])
            scalar["kernel"] = np.float32(1)
            huge = file.create_group("huge")
            huge.attrs["weight_names"] = np.bytes_(["kernel"])
            huge.create_dataset("kernel", (10**6, 10**6), np.float32, chunks=(100, 100))
        yield f"{name}.h5", "refused", f"published weights: {name}"
    yield "not_there.h5", "refused", "there is no such file"


def benchmarks(folder: Path) -> Iterator[Spec]:
    """Benchmark folders; each is sound but for one thing."""
    base = folder / "sound"
    _benchmark(base)
    yield "sound", "works", "a benchmark"
    for name, place, content, outcome in _DAMAGE:
        where = folder / name
        shutil.copytree(base, where)
        path = where / place
        if content is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield name, outcome, f"benchmark: {place} is {name}"
    for name, frame in (("label_float", np.ones((24, 40), np.float32)),
                        ("label_code", np.full((24, 40), 99, np.uint8)),
                        ("label_shape", np.ones((12, 40), np.uint8))):  # fmt: skip
        shutil.copytree(base, folder / name)
        tifffile.imwrite(folder / name / "labels" / "run" / "f000.tif", frame, metadata=None)
        yield name, "damaged", f"benchmark: {name}"
    shutil.copytree(base, folder / "link_loop")
    (folder / "link_loop" / "images" / "loop").symlink_to(folder / "link_loop")
    yield "link_loop", "either", "benchmark: a link to itself"
    (folder / "nothing").mkdir()
    yield "nothing", "refused", "an empty folder"
    yield "not_there", "refused", "there is no such folder"


def _benchmark(where: Path) -> None:
    from napari_amseg.dataset import add_frames, create_benchmark, listed_split, save_split
    from napari_amseg.types import Experiment, stack_from_array

    known = Experiment(experiment="run", pixel_size_um=2.0)
    images, labels = stack_from_array(grey()), stack_from_array(label_frames())
    made = add_frames(create_benchmark(where), images, labels, known)
    names = sorted((where / "images" / "run").iterdir())
    for kind in ("images", "labels"):
        for t, name in enumerate(names):
            (where / kind / "run" / name.name).rename(where / kind / "run" / f"f{t:03d}.tif")
    from napari_amseg.dataset import open_benchmark

    made = open_benchmark(where)
    save_split(made, listed_split(made, validation=["*2"], test=["*3"]))


_HEADING = b"experiment,facility,beamline,process,substrate_material,powder_material,laser_power_w,scan_speed_mm_s,pixel_size_um,frame_rate_hz,source\n"  # fmt: skip # noqa: E501
_SPLIT = b'# {"rule": "listed", "seed": null}\nexperiment,frame,subset\n'
_SPLIT_FILE = "splits/listed.csv"
# "refused" by every command; "damaged": `dataset check` finds it, others may not read it.
_DAMAGE: tuple[tuple[str, str, bytes | None, str], ...] = (
    ("record_gone", "benchmark.json", None, "refused"),
    ("record_empty", "benchmark.json", b"", "refused"),
    ("record_list", "benchmark.json", b"[]", "refused"),
    ("record_deep", "benchmark.json", b"[" * 200_000, "refused"),
    ("record_scheme", "benchmark.json", b'{"format_version": 1, "label_scheme": [5]}', "refused"),
    ("record_newer", "benchmark.json", b'{"format_version": 9, "label_scheme": []}', "refused"),
    ("record_binary", "benchmark.json", bytes(range(256)), "refused"),
    ("table_gone", "experiments.csv", None, "either"),
    ("table_columns", "experiments.csv", b"experiment,power\nrun,5\n", "refused"),
    ("table_semicolons", "experiments.csv", _HEADING.replace(b",", b";"), "either"),
    ("table_words", "experiments.csv", _HEADING + b"run,,,,,,high,,,,\n", "refused"),
    ("table_twice", "experiments.csv", _HEADING + b"run,,,,,,,,,,\n" * 2, "refused"),
    ("table_short", "experiments.csv", _HEADING + b"run,a\n", "refused"),
    ("table_latin1", "experiments.csv", _HEADING + b"run,K\xf6ln,,,,,,,,,\n", "refused"),
    ("table_utf16", "experiments.csv", _HEADING.decode().encode("utf-16"), "refused"),
    ("table_zero", "experiments.csv", _HEADING + b"run,a\0b,,,,,,,,,\n", "either"),
    (
        "table_huge",
        "experiments.csv",
        _HEADING + b"run," + b"x" * 200_000 + b",,,,,,,,,\n",
        "refused",
    ),
    ("split_gone", _SPLIT_FILE, None, "damaged"),
    ("split_empty", _SPLIT_FILE, b"", "damaged"),
    ("split_header", _SPLIT_FILE, b"# nothing\nexperiment,frame,subset\n", "damaged"),
    ("split_deep", _SPLIT_FILE, b"# " + b"[" * 200_000 + b"\n", "damaged"),
    ("split_subset", _SPLIT_FILE, _SPLIT + b"run,f000,holiday\n", "damaged"),
    ("split_climbs", _SPLIT_FILE, _SPLIT + b"../../x,f000,train\n", "damaged"),
    ("split_twice", _SPLIT_FILE, _SPLIT + b"run,f000,train\n" * 2, "damaged"),
    ("split_none", _SPLIT_FILE, _SPLIT, "damaged"),
    ("image_gone", "images/run/f000.tif", None, "damaged"),
    ("image_text", "images/run/f000.tif", b"frame", "damaged"),
    ("image_empty", "images/run/f000.tif", b"", "damaged"),
    ("label_gone", "labels/run/f000.tif", None, "damaged"),
    ("label_text", "labels/run/f000.tif", b"labels", "damaged"),
    ("status_words", "annotation/run.csv", b"who,when\na,b\n", "damaged"),
    ("status_binary", "annotation/run.csv", bytes(range(256)), "damaged"),
)
