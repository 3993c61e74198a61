"""Which commands take which kind of file, and how they are called."""

from __future__ import annotations

import shutil
from pathlib import Path

from corpus import Case
from rule import Arguments

# Grey frames work in these; others take labels, or find no laser in the few noisy frames.
FOR_FRAMES = {"info", "preprocess", "preprocess uint8", "flat", "segment"}
# What a single command takes otherwise: a flat has the frame size of its stack, and a pixel of it
# that is not finite is dead and filled; what is blank has no grey values to spread; labels may be
# drawn in colours.
_OTHERWISE = {
    "flat": {"shape_1x1x1", "shape_1x1x40", "shape_3x1x40", "shape_3x40x1", "type_nan",
             "type_infinite"},
    "annotate import": {"type_rgb", "type_rgb_planar", "colour", "type_cmyk"},
    "preprocess uint8": {"shape_1x1x1", "shape_3x40x1", "type_constant"},
    "segment": {"shape_1x1x1", "shape_3x40x1"},
    # The classes stand in benchmark.json: the table of experiments is not read for them.
    "scheme": {"table_columns", "table_words", "table_twice", "table_short", "table_latin1",
               "table_utf16", "table_huge"},
}  # fmt: skip
# Commands that report damage as a finding, with exit code 1; of batch it is the dry run.
FINDING = {"dataset check", "batch"}


def expected(case: Case, command: str) -> str:
    """What a command should do with a file."""
    if case.outcome == "damaged" or case.path.stem in _OTHERWISE.get(command, ()):
        return "either"
    if case.outcome == "works" and case.kind in ("stacks", "folders", "hdf5", "photron"):
        return "works" if command in FOR_FRAMES else "either"
    return case.outcome


def copied(folder: Path, place: Path) -> Path:
    """A copy of a folder, for what writes into it; as the folder, nothing if there is none."""
    shutil.rmtree(place, ignore_errors=True)
    if folder.exists():
        shutil.copytree(folder, place, symlinks=True)
    return place


def commands_for(corpus: Path) -> dict[str, dict[str, Arguments]]:
    """Commands by kind of file, then by name; sound files of the corpus stand beside the bad one.

    Every entry makes the arguments from the case and the folder to write into.
    """
    stack, labels = corpus / "stacks" / "sound_pages.tif", corpus / "labels" / "right.tif"
    segment = ("--engine", "openvino", "--no-figures")
    add = ("--experiment", "run", "--benchmark")
    chained = {
        "preprocess": lambda c, out: (
            "preprocess", stack, "--chain", c.path, "-o", out / "done.tif"),
        "segment": lambda c, out: ("segment", stack, "--chain", c.path, *segment, "-o", out / "r"),
    }  # fmt: skip
    stacked = {
        "info": lambda c, out: ("info", c.path),
        "preprocess": lambda c, out: (
            "preprocess", c.path, "--background", "median", "-o", out / "done.tif"),
        "preprocess uint8": lambda c, out: (
            "preprocess", c.path, "--dtype", "uint8", "-o", out / "done.tif"),
        "flat": lambda c, out: ("preprocess", stack, "--flat", c.path, "-o", out / "done.tif"),
        "segment": lambda c, out: ("segment", c.path, *segment, "-o", out / "results"),
        "dataset add": lambda c, out: ("dataset", "add", c.path, labels, *add, out / "bench"),
        "dataset add labels": lambda c, out: (
            "dataset", "add", stack, c.path, *add, out / "bench"),
        "quantify": lambda c, out: ("quantify", c.path, "--no-figures", "-o", out / "results"),
        "video": lambda c, out: ("video", c.path, labels, "-o", out / "strip.png"),
        "laser": lambda c, out: ("laser", c.path, "-o", out / "results"),
        "explain": lambda c, out: ("explain", c.path, "--frame", "0", "-o", out / "results"),
        "annotate check": lambda c, out: ("annotate", "check", c.path, "-o", out / "found.csv"),
        "annotate import": lambda c, out: (
            "annotate", "import", c.path, "--codes", "1=keyhole,*=background", "-o",
            out / "labels.tif"),
    }  # fmt: skip
    return {
        "stacks": stacked,
        "folders": stacked,
        "hdf5": stacked,
        "photron": stacked,
        "labels": {
            "quantify": lambda c, out: ("quantify", c.path, "--no-figures", "-o", out / "results"),
            "truth": lambda c, out: (
                "quantify", labels, "--truth", c.path, "--no-figures", "-o", out / "results"),
            "dataset add": lambda c, out: ("dataset", "add", stack, c.path, *add, out / "bench"),
            "annotate check": lambda c, out: ("annotate", "check", c.path, "-o", out / "found.csv"),
            "annotate agree": lambda c, out: (
                "annotate", "agree", labels, c.path, "-o", out / "agreement"),
            "annotate interpolate": lambda c, out: (
                "annotate", "interpolate", c.path, "--class", "keyhole", "--keys", "0,3", "-o",
                out / "filled.tif"),
            "annotate export": lambda c, out: ("annotate", "export", c.path, "-o", out / "pngs"),
            "annotate import": lambda c, out: (
                "annotate", "import", c.path, "--codes", "1=keyhole,2=pore,3=substrate,"
                "4=background", "-o", out / "labels.tif"),
            "video": lambda c, out: ("video", stack, c.path, "-o", out / "strip.png"),
            "laser": lambda c, out: ("laser", stack, "--labels", c.path, "-o", out / "results"),
        },
        "tables": {"spectrum": lambda c, out: ("spectrum", c.path, "-o", out / "results")},
        "signals": {
            "spectrum": lambda c, out: ("spectrum", c.path, "-o", out / "results"),
            "spectrum --signal": lambda c, out: (
                "spectrum", corpus / "tables" / "plain_frames.csv", "--signal", c.path, "-o",
                out / "results"),
        },
        "campaigns": {"correlate": lambda c, out: ("correlate", c.path, "-o", out / "results")},
        "batches": {
            "batch": lambda c, out: ("batch", c.path, "--dry-run", "-o", out / "results"),
        },
        "chains": chained,
        "bundles": {
            "segment": lambda c, out: (
                "segment", stack, "--model", c.path, *segment, "-o", out / "results"),
            "evaluate": lambda c, out: (
                "evaluate", corpus / "benchmarks" / "sound", "--model", c.path, "-o", out / "r"),
            "explain": lambda c, out: (
                "explain", stack, "--frame", "0", "--model", c.path, "-o", out / "results"),
            "train": lambda c, out: (
                "train", corpus / "benchmarks" / "sound", "--init", c.path, "--epochs", "1", "-o",
                out / "model"),
        },
        "published": {
            "import-weights": lambda c, out: ("import-weights", c.path, "-o", out / "model"),
        },
        "benchmarks": {
            "dataset info": lambda c, out: ("dataset", "info", c.path, "-o", out / "tables"),
            "dataset check": lambda c, out: ("dataset", "check", c.path),
            "dataset split": lambda c, out: (
                "dataset", "split", copied(c.path, out.parent / "copy"), "--name", "again"),
            "evaluate": lambda c, out: (
                "evaluate", c.path, "--model", "fast", "-o", out / "scores"),
            "train": lambda c, out: (
                "train", c.path, "--filters", "1", "--epochs", "1", "--batch-size", "1", "-o",
                out / "model"),
            "compare": lambda c, out: (
                "compare", c.path, "--arch", "amsegnet", "--filters", "1", "--epochs", "1",
                "--batch-size", "1", "-o", out / "table"),
            "scheme": lambda c, out: (
                "annotate", "check", labels, "--scheme", c.path, "-o", out / "found.csv"),
        },
    }  # fmt: skip
