"""How long starting takes: importing, the command line, napari with and without the plugin.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/startup.py [--repeats 5] [-o FILE]

Every start is a fresh process; those that are compared take turns. napari is started in a real
window, up to the first turn of its event loop; without the plugin, it finds every other one. Each
widget is then opened as the first of a fresh napari. Without a screen only the others are timed.
Prints JSON, with the machine named: least and median seconds, and which heavy packages each
process holds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from records import machine

HEAVY = (
    "keras", "tensorflow", "torch", "jax", "openvino", "matplotlib", "dask", "distributed",
    "pandas", "scipy.signal", "skimage", "sklearn", "laptrack", "pyqtgraph",
)  # fmt: skip
WIDGETS = (
    "Load stack", "Preprocess", "Segment", "Measure", "Laser frame", "Annotate", "Train",
    "Grad-CAM", "Video", "Correlate",
)  # fmt: skip
_TIMED = """
import contextlib, json, os, sys, time
start = time.perf_counter()
with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(SystemExit):
{code}
seconds = time.perf_counter() - start
loaded = [name for name in {heavy!r} if name in sys.modules]
ours = any(name.split(".")[0] == "napari_amseg" for name in sys.modules)
print(json.dumps(dict(seconds=seconds, loaded=loaded, package_imported=ours)), flush=True)
os._exit(0)
"""
_NAPARI = """
from importlib import metadata
every = metadata.distributions
metadata.distributions = lambda: (d for d in every() if d.name != {without!r})
import napari
viewer = napari.Viewer(show=True)
from qtpy.QtWidgets import QApplication
QApplication.processEvents()
"""
_WIDGET = """
start = time.perf_counter()
viewer.window.add_plugin_dock_widget("napari-amseg", {name!r})
QApplication.processEvents()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    record: dict[str, Any] = {
        "machine": machine(),
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "repeats": given.repeats,
    }
    starts = starts_to_time()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"NAPARI_CONFIG": str(Path(folder) / "settings.yaml")}
        for code in starts.values():  # once unmeasured: byte code and disk caches are warm
            timed(code, settings)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in starts}
        for _ in range(given.repeats):
            for name, code in starts.items():
                runs[name].append(timed(code, settings))
    record["starts"] = {name: summary(told) for name, told in runs.items()}
    least = {name: found["least_s"] for name, found in record["starts"].items()}
    if "napari" in least:
        record["plugin_adds_to_napari_s"] = round(least["napari"] - least["napari without it"], 3)
    text = json.dumps(record, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def starts_to_time() -> dict[str, str]:
    """Code of each start, by what it is called."""
    napari = _NAPARI.format(without="no such plugin")
    starts = {
        "import napari_amseg": "import napari_amseg",
        "amseg --help": "from napari_amseg.cli import app\nsys.argv = ['amseg', '--help']\napp()",
        "compute process": "import napari_amseg.pipeline.compute",
    }
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        return starts
    starts |= {"napari without it": _NAPARI.format(without="napari-amseg"), "napari": napari}
    return starts | {f"widget {name}": napari + _WIDGET.format(name=name) for name in WIDGETS}


def timed(code: str, settings: dict[str, str]) -> dict[str, Any]:
    """What a fresh interpreter tells of running `code`."""
    indented = "".join(f"    {line}\n" for line in code.strip().splitlines())
    done = subprocess.run(
        [sys.executable, "-P", "-c", _TIMED.format(code=indented, heavy=HEAVY)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def summary(told: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the runs of one start."""
    seconds = [run["seconds"] for run in told]
    return {
        "least_s": round(min(seconds), 3),
        "median_s": round(median(seconds), 3),
        "loaded": told[-1]["loaded"],
        "package_imported": told[-1]["package_imported"],
    }


if __name__ == "__main__":
    main()
