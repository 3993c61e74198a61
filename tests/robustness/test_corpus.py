"""Every file of the corpus through every command that takes its kind: the rule holds.

The quick part takes each file once, through the command that reads most of it; the whole cross
product is slow. ``pytest tests/robustness -m "slow or not slow"`` runs both.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import FINDING, commands_for, expected
from corpus_records import TRACE
from rule import broken, run

# What needs no network, for each kind.
QUICK = {
    "stacks": ("info",),
    "folders": ("info", "dataset add"),
    "hdf5": ("info",),
    "photron": ("info",),
    "labels": ("quantify", "dataset add", "annotate check", "annotate import"),
    "tables": ("spectrum",),
    "signals": ("spectrum",),
    "campaigns": ("correlate",),
    "batches": ("batch",),
    "chains": ("preprocess",),
    "benchmarks": ("dataset check",),
}
# Where a sound file means a training, and figures seconds each.
NO_FIGURES = ("spectrum", "spectrum --signal", "correlate")
# Grad-CAM builds its network anew each time, and reads frames as `segment` does, which takes all.
ONE_KIND = ("explain",)
EVERYTHING = {
    "stacks": ("preprocess", "preprocess uint8", "flat", "segment", "dataset add",
               "dataset add labels", "quantify", "video", "laser", "explain",
               "annotate check", "annotate import"),
    "folders": ("preprocess", "flat", "segment", "dataset add labels", "quantify", "video",
                "laser", "explain", "annotate import"),
    "hdf5": ("preprocess", "preprocess uint8", "flat", "segment", "dataset add",
             "dataset add labels", "quantify", "video", "laser", "annotate import"),
    "photron": ("preprocess", "preprocess uint8", "flat", "segment", "dataset add", "quantify",
                "video", "laser"),
    "labels": ("truth", "annotate agree", "annotate interpolate", "annotate export", "video",
               "laser"),
    "signals": ("spectrum --signal",),
    "chains": ("segment",),
    "bundles": ("segment", "evaluate", "explain", "train"),
    "published": ("import-weights",),
    "benchmarks": ("dataset info", "dataset split", "evaluate", "train", "compare",
                   "scheme"),
}  # fmt: skip


def _pairs(table):
    return [(kind, command) for kind, names in table.items() for command in names]


def left_out(case, command, wanted, *, quick=False):
    """Whether a run would take long and tell nothing new."""
    if command == "compare":
        return wanted != "refused"
    if command == "train":
        return wanted == "works"
    if command in ONE_KIND and case.kind == "stacks":
        name = case.path.name
        return name.startswith(("cut_", "flipped_")) and "_pages_" not in name
    return quick and command in NO_FIGURES and wanted == "works" and "plain" not in case.name


def _hold_to_rule(corpus, corpus_folder, tmp_path, kind, command, *, quick):
    """Run a command on all files of a kind; one list of what breaks the rule."""
    make = commands_for(corpus_folder)[kind][command]
    found, n = [], 0
    for case in corpus:
        wanted = expected(case, command)
        if case.kind != kind or left_out(case, command, wanted, quick=quick):
            continue
        out = tmp_path / "out"
        told = broken(
            run(make(case, out), out), wanted, codes=(1, 2) if command in FINDING else (2,)
        )
        found += [f"{case.name} ({case.why}): {text}" for text in told]
        shutil.rmtree(out)
        n += 1
    assert n, f"no file of the kind {kind}"
    assert not found, f"{len(found)} in {n} runs:\n" + "\n".join(found)


@pytest.mark.parametrize(("kind", "command"), _pairs(QUICK))
def test_bad_files_end_in_one_clear_line(corpus, corpus_folder, tmp_path, kind, command):
    _hold_to_rule(corpus, corpus_folder, tmp_path, kind, command, quick=True)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "command"), _pairs(EVERYTHING))
def test_every_command_holds_to_the_rule(corpus, corpus_folder, tmp_path, kind, command):
    _hold_to_rule(corpus, corpus_folder, tmp_path, kind, command, quick=False)
    assert not list(corpus_folder.rglob(TRACE)), "something in a file was executed"


@pytest.mark.parametrize("name", ["cut.h5", "text.h5", "pickle.h5", "no_layers.h5", "huge.h5",
                                  "loop.h5", "missing_layer.h5"])  # fmt: skip
def test_published_weights_that_are_none(corpus, corpus_folder, tmp_path, name):
    out = tmp_path / "out"
    path = corpus_folder / "published" / name
    assert path.exists()
    done = run(("import-weights", path, "-o", out / "model"), out)
    assert not broken(done, "refused")
    assert name in done.error
    assert not list(corpus_folder.rglob(TRACE))


def test_a_shell_sees_the_same(corpus, corpus_folder, tmp_path):
    for path in ("stacks/zeros.tif", "stacks/huge_frames.tif", "folders/nothing"):
        done = subprocess.run(
            [sys.executable, "-c", "from napari_amseg.cli import app; app()", "preprocess",
             str(corpus_folder / path), "-o", str(tmp_path / "sub" / "done.tif")],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1, done.stderr
        assert done.stderr.startswith("error: ")
        assert not list(tmp_path.iterdir())


# Sound, cut, flipped, lying and foreign files side by side, as a disk that filled up leaves them.
_BESIDE = ("sound_pages.tif", "sound_zlib.tif", "cut_pages_*.tif", "flipped_zlib_data_0*.tif",
           "huge_*.tif", "type_rgb.tif", "type_nan.tif", "zeros.tif", "empty.tif",
           "text.h5")  # fmt: skip


def _beside(corpus_folder, where):
    where.mkdir()
    for pattern in _BESIDE:
        for path in (corpus_folder / "stacks").glob(pattern):
            shutil.copy(path, where)
    return {path.name for path in where.iterdir()}


def _sound(out):
    """The stacks that have results."""
    return {path.name.removesuffix("_summary.json") for path in out.rglob("*_summary.json")}


@pytest.mark.slow
def test_watching_names_what_it_cannot_read_and_does_the_rest(corpus, corpus_folder, tmp_path):
    names, out = _beside(corpus_folder, tmp_path / "in"), tmp_path / "out"
    done = run(
        ("watch", tmp_path / "in", "--until-idle", "3", "--settle", "1", "--poll", "0.2",
         "--no-figures", "--engine", "openvino", "-o", out / "results"), out,
    )  # fmt: skip
    assert done.code == 1
    assert {"sound_pages", "sound_zlib"} <= _sound(out)
    failed = {Path(line.split(": ")[1]).name for line in done.stderr.splitlines()
              if line.startswith("failed: ")}  # fmt: skip
    assert failed == {name for name in names if Path(name).stem not in _sound(out)}
    assert not [name for name in done.left if name.endswith((".part", "_live.csv"))]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_campaign_names_what_it_cannot_read_and_does_the_rest(corpus, corpus_folder, tmp_path):
    names, out = sorted(_beside(corpus_folder, tmp_path / "in")), tmp_path / "out"
    rows = [f"run{i},{name},2" for i, name in enumerate(names)]
    table = tmp_path / "in" / "campaign.csv"
    table.write_text("\n".join(("experiment,stack,pixel_size_um", *rows)) + "\n")
    done = run(("batch", table, "--engine", "openvino", "--workers", "1", "-o", out / "r"), out)
    assert done.code == 1, done.stderr
    sound = _sound(out)
    assert {f"run{names.index('sound_pages.tif')}", f"run{names.index('sound_zlib.tif')}"} <= sound
    told = (out / "r" / "campaign.csv").read_text().splitlines()[1:]
    assert {line.split(",")[0] for line in told} == sound
    failed = {f"run{i}" for i in range(len(names))} - sound
    assert all(f"{name}: " in done.stderr for name in failed), done.stderr
    assert not [name for name in done.left if ".part" in name or failed & set(Path(name).parts)]
    assert "Traceback" not in done.stderr


_WITH_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from napari_amseg.io import read_stack
import napari_amseg.preprocess, imageio.v3, PIL.Image
import numpy as np
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 2**28, held + 2**28))
for path in sys.argv[1:]:
    try:
        with read_stack(path) as stack:
            stack.read(0)
            stack.read(len(stack) - 1)
        print("read", path)
    except MemoryError:
        sys.exit(f"{path}: took more than 256 MB")
    except (ValueError, OSError) as error:
        print("refused", path, error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are set in Linux' way")
def test_a_header_is_no_reason_to_take_memory(corpus, corpus_folder):
    huge = [c.path for c in corpus if c.path.name.startswith(("huge_", "bomb"))]
    huge = [path for path in huge if path.parent.name == "stacks"]
    assert len(huge) >= 7
    done = subprocess.run(
        [sys.executable, "-c", _WITH_LITTLE_MEMORY, *map(str, huge)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused") == len(huge), done.stdout


def test_the_corpus_is_the_same_every_time(corpus, tmp_path):
    from corpus_stacks import tiff_kinds

    again = [tmp_path / name for name, *_ in tiff_kinds(tmp_path)]
    first = {case.path.name: case.path for case in corpus if case.kind == "stacks"}
    assert len(again) > 300
    assert all(path.read_bytes() == first[path.name].read_bytes() for path in again)


def test_odd_but_sound_frames_are_read_as_they_are(corpus, corpus_folder):
    import numpy as np
    import tifffile
    from corpus_stacks import grey

    from napari_amseg.io import read_stack

    folder = corpus_folder / "stacks"
    for name in ("sound_big_endian", "sound_imagej_one_page", "sound_tiled", "type_int16",
                 "type_float32", "type_float64"):  # fmt: skip
        with read_stack(folder / f"{name}.tif") as stack:
            assert stack.dtype.isnative
            np.testing.assert_array_equal(np.stack(list(stack)), grey())
    with read_stack(folder / "type_packed_12_bit.tif") as stack:
        assert stack.read(0).ravel()[:2].tolist() == [0x123, 0x456]
    with read_stack(folder / "type_bool.tif") as stack:
        assert stack.dtype == np.uint8
        np.testing.assert_array_equal(np.stack(list(stack)), grey() > 2000)
    path = folder.parent / "row.tif"
    tifffile.imwrite(path, grey()[:, :1], compression="zlib", metadata=None,
                     photometric="minisblack")  # fmt: skip
    with read_stack(path) as stack:
        np.testing.assert_array_equal(np.stack(list(stack)), grey()[:, :1])
