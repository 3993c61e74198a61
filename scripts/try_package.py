"""Build the sdist and the wheel, and use the wheel where nobody has the source.

    python scripts/try_package.py [--pythons python3.11 python3.12 python3.13] [-o dist]

For every interpreter: an empty environment, ``pip install`` of the wheel with the extras ``gui``
and ``cpu``, then, in an empty folder, ``amseg demo``, ``npe2 validate`` of the installed plugin,
and in napari (under Xvfb where there is no screen) the sample, segmented by the *Segment* widget.
Each takes some minutes and 3 GB, which are freed again. Ends with 1 if anything failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
DEMO = ("phantom.tif", "demo_labels.tif", "demo_frames.csv", "demo_run.json")
IN_NAPARI = """
import time
import napari, napari_amseg, numpy as np
from qtpy.QtWidgets import QApplication
assert "site-packages" in napari_amseg.__file__, napari_amseg.__file__
viewer = napari.Viewer()
viewer.open_sample("napari-amseg", "phantom")
_, widget = viewer.window.add_plugin_dock_widget("napari-amseg", "Segment")
print("sample:", [layer.name for layer in viewer.layers])
before = len(viewer.layers)
widget.start_button.click()
end = time.monotonic() + 120
while time.monotonic() < end and not (len(viewer.layers) > before and viewer.layers[-1].data.any()):
    QApplication.processEvents()
    time.sleep(0.01)
assert viewer.layers[-1].data.any(), "no mask came"
print("segmented:", viewer.layers[-1].name, np.unique(viewer.layers[-1].data).tolist())
viewer.close()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pythons", nargs="+", default=["python3.11", "python3.12", "python3.13"])
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "dist")
    given = parser.parse_args()
    wheel = built(given.out)
    tried = {python: outcome(python, wheel) for python in given.pythons}
    for python, said in tried.items():
        print(f"{python}: {said}")
    return int(not all(said.startswith("works") for said in tried.values()))


def built(out: Path) -> Path:
    """The wheel, made from the sdist and not from the clone; says what both weigh."""
    shutil.rmtree(out, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", out, ROOT)
    for path in sorted(out.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    missing = [n for n in ("napari.yaml", "py.typed") if f"napari_amseg/{n}" not in names]
    if missing:
        raise SystemExit(f"{wheel.name} lacks {', '.join(missing)}")
    return wheel


def outcome(python: str, wheel: Path) -> str:
    """What became of the wheel under one interpreter."""
    if shutil.which(python) is None:
        return "not here"
    try:
        with TemporaryDirectory() as folder:
            return f"works, Python {used(python, wheel, Path(folder))}"
    except subprocess.CalledProcessError as error:
        return f"FAILED at {error.cmd}"


def used(python: str, wheel: Path, folder: Path) -> str:
    """Install the wheel and do what a user does; returns the version of Python."""
    env, place = folder / "env", folder / "elsewhere"
    place.mkdir()
    run(python, "-m", "venv", env)
    bin_ = env / ("Scripts" if os.name == "nt" else "bin")
    run(bin_ / "python", "-m", "pip", "install", "--quiet", f"{wheel.resolve()}[gui,cpu]")
    run(bin_ / "amseg", "demo", "-o", "demo", cwd=place)
    missing = [name for name in DEMO if not (place / "demo" / name).exists()]
    if missing:
        raise subprocess.CalledProcessError(1, f"amseg demo: no {', '.join(missing)}")
    run(bin_ / "npe2", "validate", "napari-amseg", cwd=place)
    screen = [] if os.environ.get("DISPLAY") or not shutil.which("xvfb-run") else [
        "xvfb-run", "-a", "-s", "-screen 0 1920x1080x24",
    ]  # fmt: skip
    run(*screen, bin_ / "python", "-c", IN_NAPARI, cwd=place)
    version = subprocess.check_output([bin_ / "python", "-V"], text=True)
    return version.split()[1]


def run(*command: object, cwd: Path | None = None) -> None:
    """Run a command, or raise CalledProcessError."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    words = [str(part) for part in command]
    print("+", " ".join(words)[:120].splitlines()[0], flush=True)
    subprocess.run(words, check=True, cwd=cwd, env=environment)


if __name__ == "__main__":
    sys.exit(main())
