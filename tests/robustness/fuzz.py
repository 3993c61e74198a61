"""Mutated files fed to every parser of ours: ``python tests/robustness/fuzz.py SECONDS [SEED]``.

Each parser may refuse a file with ValueError or OSError; anything else, or more than five seconds,
is a finding. Findings are printed once a place in the code; the exit code is 1 if there are any.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import make_corpus
from corpus_stacks import bare_tiff, grey

from napari_amseg.types import stack_from_array

_SLOW_S = 5.0
_TOKENS = (
    b"0", b"-1", b"1e309", b"nan", b"NaN", b"Infinity", b"null", b"true", b"[]", b"{}", b'"', b",",
    b";", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"../../x", b"9" * 40, b"9" * 5000,
    b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f", b"[" * 3000, b"%s", b"=1+1",
    b"&x;", b"<!ENTITY x 'y'>",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A parser: its name, what makes a file fail, and the sound files it starts from."""

    name: str
    read: Callable[[Path], object]
    seeds: tuple[bytes, ...]
    suffix: str


def mutated(seed: bytes, other: bytes, rng: random.Random) -> bytes:
    """The seed with one to six changes."""
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(data) + 1)
        size = min(rng.choice((1, 2, 4, 8, 40)), len(data) - at)
        kind = rng.randrange(7)
        if kind == 0 and size:
            data[rng.randrange(at, at + size)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + size]
        elif kind == 2:
            data[at:at] = data[at : at + size] * rng.choice((1, 2, 50))
        elif kind == 3:
            data[at : at + size] = rng.choice(_TOKENS)
        elif kind == 4 and other:
            start = rng.randrange(len(other))
            data[at:at] = other[start : start + rng.choice((4, 40, 400))]
        elif kind == 5:
            data[at : at + size] = rng.randbytes(size)
        elif kind == 6:
            del data[at + rng.randrange(200) :]
    return bytes(data)


def _stack(path: Path) -> object:
    from napari_amseg.io import read_stack

    with read_stack(path) as stack:
        return stack.read(0), stack.read(len(stack) - 1)


def _photron(path: Path) -> object:
    path.with_suffix(".mraw").write_bytes(grey().tobytes())
    return _stack(path)


def _described(path: Path) -> object:
    text = path.read_text(encoding="utf-8", errors="replace")
    path.write_bytes(bare_tiff(40, 24, bits=16, data=bytes(1920), description=text))
    return _stack(path)


def _chain(path: Path) -> object:
    from napari_amseg.preprocess import read_chain

    return read_chain(path).apply(stack_from_array(grey())).read(0)


def _bundle(path: Path) -> object:
    from napari_amseg.models import load_bundle

    (path.parent / "model.weights.h5").touch()
    path.rename(path.parent / "model.json")
    return load_bundle(path.parent)


def _published(path: Path) -> object:
    from napari_amseg.models.published import read_keras2_weights

    return read_keras2_weights(path)


def _signal(path: Path) -> object:
    from napari_amseg.io.signals import read_signal
    from napari_amseg.pipeline.series import read_series

    try:
        read_series(path)
    except (ValueError, OSError):
        return read_signal(path)
    return None


def _tables(path: Path) -> object:
    from napari_amseg.batch.table import read_stacks
    from napari_amseg.pipeline.campaign import read_campaign

    for read in (read_stacks, read_campaign):
        try:
            read(path)
        except (ValueError, OSError):
            continue
    return None


def _benchmark(path: Path) -> object:
    from napari_amseg.dataset.annotation_status import read_statuses
    from napari_amseg.dataset.benchmark import read_scheme
    from napari_amseg.dataset.experiments import read_experiments
    from napari_amseg.dataset.split_file import read_split_file

    for read in (read_experiments, read_split_file, read_statuses):
        try:
            read(path)
        except (ValueError, OSError):
            continue
    path.rename(path.parent / "benchmark.json")
    return read_scheme(path.parent)


def _labelme(path: Path) -> object:
    from napari_amseg.io.label_images import found_values, open_label_images

    return found_values(open_label_images(path))


def _texts(path: Path) -> object:
    from napari_amseg.cli.dataset_add import parse_classes, parse_frames
    from napari_amseg.io.label_mapping import LabelMapping
    from napari_amseg.io.sequence import numbered_sequence
    from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
    from napari_amseg.preprocess import Crop

    text = path.read_bytes().decode("latin-1")
    lines = [line.replace("/", "_").replace("\0", "") for line in text.splitlines()]
    names = [Path(line) for line in dict.fromkeys(lines)]  # a folder has no name twice
    stack = stack_from_array(grey())
    for read in (
        lambda: numbered_sequence([p for p in names if p.name], path.parent),
        lambda: Crop.parse(text).apply(stack),
        lambda: parse_frames(text, stack),
        lambda: parse_classes(text),
        lambda: LabelScheme.parse(text),
        lambda: LabelMapping.of(text, DEFAULT_SCHEME),
    ):
        try:
            read()
        except (ValueError, OSError):
            continue
    return None


def _address_in(file: Path) -> Callable[[Path], object]:
    """Reads what stands in a text, as an address within an HDF5 file."""
    return lambda path: _stack(Path(f"{file}::{path.read_bytes().decode('latin-1')}"))


def targets(folder: Path) -> tuple[Target, ...]:
    """Every parser with its seeds, from the corpus in `folder`."""

    def files(kind: str, *patterns: str) -> tuple[bytes, ...]:
        found = [p for pattern in patterns for p in sorted((folder / kind).glob(pattern))]
        return tuple(p.read_bytes() for p in found if p.is_file())[:24]

    labelme = (
        b'{"version": "5.4", "imageHeight": 24, "imageWidth": 40, "shapes": [{"label": "pore", '
        b'"shape_type": "polygon", "points": [[1, 1], [9, 2.5], [4, 8]]}]}'
    )
    words = (b"0:12,3:30", b"0:90:5", b"3,7,12", b"keyhole=1,pore=2", b"255=keyhole,0=unlabelled",
             b"#ff0000=pore,*=background", b"f (1).tif\nf (2).tif\ng_001.tif\n")  # fmt: skip
    ome = b'<OME><Image><Pixels PhysicalSizeX="2" PhysicalSizeXUnit="um" TimeIncrement="1"/></Image></OME>'  # fmt: skip # noqa: E501
    images = b"ImageJ=1.54f\nimages=1\nframes=1\nunit=um\nfinterval=2e-05\ntunit=s\n"
    found = [
        Target("tiff", _stack, files("stacks", "sound_*.tif", "type_*.tif"), ".tif"),
        Target("description", _described, (ome, images), ".tif"),
        Target("image", _stack, files("stacks", "picture.png"), ".png"),
        Target("signal", _signal, files("signals", "*.csv") + files("tables", "*.csv"), ".csv"),
        Target("table", _tables, files("campaigns", "*.csv") + files("batches", "*.csv"), ".csv"),
        Target("chain", _chain, files("chains", "*.json"), ".json"),
        Target("bundle", _bundle, files("bundles", "training_text/model.json"), ".json"),
        Target("published", _published, files("published", "o*.h5", "[mnstw]*.h5"), ".h5"),
        Target("benchmark", _benchmark, files("benchmarks", "sound/*.*", "sound/splits/*.csv"),
               ".csv"),
        Target("hdf5", _stack, files("hdf5", "sound.h5", "[nolg]*.h5"), ".h5"),
        Target("hdf5 address", _address_in(folder / "hdf5" / "sound.h5"),
               (b"entry/imaging/data", b"flats", b"/entry/../entry/imaging", b"a::b::darks"),
               ".txt"),
        Target("photron", _photron, files("photron", "*.cih"), ".cih"),
        Target("photron xml", _photron, files("photron", "*.cihx"), ".cihx"),
        Target("cine", _stack, files("photron", "sound.cine", "f*_setup_*.cine"), ".cine"),
        Target("labelme", _labelme, (labelme,), ".json"),
        Target("texts", _texts, words, ".txt"),
    ]  # fmt: skip
    return tuple(found)


def attempt(target: Target, data: bytes, folder: Path) -> str:
    """What is wrong with how a parser took a file; empty if nothing."""
    path = folder / f"case{target.suffix}"
    for old in folder.iterdir():
        old.unlink()
    path.write_bytes(data)
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(path)
    except (ValueError, OSError):
        pass
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if "napari_amseg" in f.filename] or frames
        return f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"
    seconds = time.perf_counter() - start
    return f"took {seconds:.0f} s" if seconds > _SLOW_S else ""


def fuzz(seconds: float, seed: int) -> Counter[str]:
    """Feed mutated files to all parsers in turns; how often each finding came."""
    rng, found, runs = random.Random(seed), Counter(), Counter()
    with tempfile.TemporaryDirectory() as place:
        folder, kept = Path(place) / "case", Path(tempfile.gettempdir()) / "amseg_fuzz"
        make_corpus(Path(place) / "corpus")
        folder.mkdir()
        parsers = targets(Path(place) / "corpus")
        for target in parsers:  # what each imports is no time of its own
            attempt(target, target.seeds[0], folder)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for target in parsers:
                data = mutated(rng.choice(target.seeds), rng.choice(target.seeds), rng)
                runs[target.name] += 1
                if told := attempt(target, data, folder):
                    finding = f"{target.name}: {told}"
                    if not found[finding]:
                        kept.mkdir(exist_ok=True)
                        (kept / f"{len(found):03d}_{target.name}{target.suffix}").write_bytes(data)
                        sys.stdout.write(f"{finding} (kept as {len(found):03d} in {kept})\n")
                        sys.stdout.flush()
                    found[finding] += 1
    sys.stdout.write(f"{sum(runs.values()):,} files: {dict(runs)}\n")
    return found


if __name__ == "__main__":
    findings = fuzz(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    sys.exit(1 if findings else 0)
