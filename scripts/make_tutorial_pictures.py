"""Runs the tutorials as a reader would, prints what they print, and keeps their pictures.

    python scripts/make_tutorial_pictures.py                      # all, in a fresh temporary folder
    python scripts/make_tutorial_pictures.py first-model -o DIR   # one; pictures into DIR

No window is needed: the pictures of windows on these pages are made by make_screenshots.py and
make_annotation_screenshots.py. The printed output is what stands in the pages' text blocks.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from docs_commands import Command, blocks, commands
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
AMSEG = Path(sys.executable).with_name("amseg")
WIDEST_PX = 1100
# picture in docs/images: file that a command of the page writes, .pdf drawn as .png
PICTURES = {
    "first-stack": {
        "tutorial-overlay.png": "demo/demo_overlay.png",
        "tutorial-series.png": "demo/demo_series.png",
        "tutorial-strip.png": "first/strip.png",
    },
    "first-annotation": {},
    "first-model": {"tutorial-worst-frames.png": "scores/worst_frames.png"},
    "beamtime-to-figure": {
        "tutorial-correlation.png": "figures/correlation.png",
        "tutorial-run5.png": "figures/run5.png",
    },
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("pages", nargs="*", metavar="PAGE", help=f"{', '.join(PICTURES)}")
    options.add_argument("-o", "--out", type=Path, default=ROOT / "docs" / "images")
    chosen = options.parse_args()
    if unknown := set(chosen.pages) - set(PICTURES):
        raise SystemExit(f"no such page: {', '.join(sorted(unknown))}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    for page in chosen.pages or PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            print(f"==== {page}")
            follow(ROOT / "docs" / "tutorials" / f"{page}.md", Path(folder))
            for name, source in PICTURES[page].items():
                keep(Path(folder) / source, chosen.out / name)
            if page == "beamtime-to-figure":
                flat_field(Path(folder), chosen.out / "tutorial-flat.png")


def follow(page: Path, folder: Path) -> None:
    """Type the page's commands in `folder`; stops at the first that fails."""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.kind == "file":
            (folder / block.name).write_text(block.text, encoding="utf-8")
        for command in commands(block) if block.kind == "shell" else ():
            if command.program == "amseg":
                run(command, folder)


def run(command: Command, folder: Path) -> None:
    given = command.arguments
    if "bench" in given and "--benchmark" not in given and not (folder / "bench").exists():
        print(f"$ {command.text}\n(left out: nobody has drawn the frames)")
        return
    print(f"$ {command.text}", flush=True)
    subprocess.run([AMSEG, *given], cwd=folder, check=True, stderr=subprocess.STDOUT)
    if given[0] == "video":
        again = [word.replace(".pdf", ".png") for word in given]
        subprocess.run([AMSEG, *again], cwd=folder, check=True, capture_output=True)


def keep(source: Path, target: Path) -> None:
    """Copy a picture, not larger than a page shows it."""
    image = Image.open(source).convert("RGB")
    image.thumbnail((WIDEST_PX, 4 * WIDEST_PX))
    image.save(target, optimize=True)
    print(target, file=sys.stderr)


def flat_field(folder: Path, target: Path) -> None:
    """One frame of run 5 as recorded and as corrected; contrast is that of the plate, below."""
    import numpy as np

    from napari_amseg.io import read_stack

    pair = []
    for name in ("beamtime/run5/phantom.tif", "look/run5.tif"):
        with read_stack(folder / name) as stack:
            frame = stack.read(20).astype(float)
        low, high = np.percentile(frame[len(frame) // 2 :], (0.1, 99.9))
        pair.append((255 * (frame - low) / (high - low)).clip(0, 255).astype(np.uint8))
    gap = np.full((pair[0].shape[0], 8), 255, np.uint8)
    Image.fromarray(np.hstack([pair[0], gap, pair[1]])).save(target, optimize=True)
    print(target, file=sys.stderr)


if __name__ == "__main__":
    main()
