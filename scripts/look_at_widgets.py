"""Pictures of every widget in both themes and sizes, to be looked at; prints what is clipped.

    xvfb-run -a -s "-screen 0 2560x1440x24" python scripts/look_at_widgets.py FOLDER [--only NAME,…]
    QT_SCALE_FACTOR=1.5 xvfb-run -a -s "-screen 0 2560x1440x24" \\
        python scripts/look_at_widgets.py FOLDER --sizes 1280x800

Needs OpenGL, so an X server (Xvfb will do). Every picture is followed by what :mod:`look_check`
finds; the exit code is 1 if that is anything. Also writes contact sheets, one a size and theme.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

os.environ["HOME"] = tempfile.mkdtemp()  # a user without settings; before napari is imported
os.environ.setdefault("NAPARI_CONFIG", str(Path(tempfile.mkdtemp()) / "settings.yaml"))
os.environ.setdefault("AMSEG_ANNOTATION_FOLDER", str(Path(tempfile.mkdtemp()) / "annotation"))

import napari
from look_check import findings, out_of_order, unexplained
from look_desk import Desk, wait
from look_states import STATES
from PIL import Image
from qtpy.QtWidgets import QWidget

SIZES, THEMES = ("1280x800", "2560x1440"), ("dark", "light")
SHEET_COLUMNS, SHEET_TILE_PX = 5, 640


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("out", type=Path, help="folder for the pictures")
    options.add_argument("--only", help=f"of {', '.join(STATES)}; with commas between")
    options.add_argument("--sizes", default=",".join(SIZES))
    options.add_argument("--themes", default=",".join(THEMES))
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    names = given.only.split(",") if given.only else list(STATES)
    looks = [(s, t) for s in given.sizes.split(",") for t in given.themes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        viewer = napari.Viewer(show=True)
        desk = Desk.of(viewer, Path(folder))
        found = [text for name in names for text in looked_at(desk, name, looks, given.out)]
        viewer.window.remove_dock_widget("all")
        viewer.close()
    for size, theme in looks:
        contact_sheet(
            sorted(given.out.glob(f"*-{size}-{theme}.png")), given.out / f"sheet-{size}-{theme}.png"
        )
    print(f"{len(found)} findings")
    return bool(found)


def looked_at(desk: Desk, name: str, looks: list[tuple[str, str]], out: Path) -> Iterator[str]:
    """Findings in all states of a widget; a state that cannot be reached is one."""
    try:
        for state, widget in STATES[name](desk):
            told = set()
            for size, theme in looks:
                show(desk.viewer, widget, size, theme)
                picture(desk.viewer, widget, out / f"{state}-{size}-{theme}.png")
                told |= {*findings(widget), *unexplained(widget), *out_of_order(widget)}
                told |= too_large(desk.viewer, size)
            for text in sorted(told):
                print(f"{state}: {text}", flush=True)
                yield f"{state}: {text}"
    except Exception:
        print(f"{name}: {traceback.format_exc()}", flush=True)
        yield f"{name} could not be shown"


def show(viewer: napari.Viewer, widget: QWidget, size: str, theme: str) -> None:
    if viewer.theme != theme:
        viewer.theme = theme
    viewer.window.resize(*(int(n) for n in size.split("x")))
    wait(0.4)
    viewer.reset_view()
    wait(0.4)


def too_large(viewer: napari.Viewer, size: str) -> set[str]:
    """A window that its docks keep from being as small as it should be."""
    window = viewer.window._qt_window
    width, height = (int(n) for n in size.split("x"))
    if window.width() <= width and window.height() <= height:
        return set()
    return {f"the window needs {window.width()}x{window.height()}, should be {size}"}


def picture(viewer: napari.Viewer, widget: QWidget, path: Path) -> None:
    """Of the whole window, or of a dialog."""
    if widget.isWindow():
        widget.grab().save(str(path))
    else:
        viewer.window.screenshot(str(path), size=None, canvas_only=False, flash=False)


def contact_sheet(paths: list[Path], out: Path) -> None:
    tiles = [Image.open(path).convert("RGB") for path in paths]
    for tile in tiles:
        tile.thumbnail((SHEET_TILE_PX, SHEET_TILE_PX))
    rows = -(-len(tiles) // SHEET_COLUMNS)
    high = max((tile.height for tile in tiles), default=1)
    sheet = Image.new("RGB", (SHEET_COLUMNS * SHEET_TILE_PX, max(rows, 1) * high), "white")
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % SHEET_COLUMNS * SHEET_TILE_PX, i // SHEET_COLUMNS * high))
    sheet.save(out)


if __name__ == "__main__":
    sys.exit(main())
