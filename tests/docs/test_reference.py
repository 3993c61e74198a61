"""The reference is complete, and the built site fetches nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from napari_amseg import measure_stack
from napari_amseg.io import read_stack
from napari_amseg.measure import PORE_COLUMNS, TABLE_COLUMNS, Measurements
from napari_amseg.measure.pore_track_table import TRACK_COLUMNS
from napari_amseg.models import load_bundle
from napari_amseg.pipeline import RunRequest, quantify_to_files
from napari_amseg.settings import options
from napari_amseg.types import Experiment

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import docs_docstrings  # noqa: E402
import docs_reference  # noqa: E402

FILES_PAGE = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def section(title: str) -> str:
    """The section of the page on files with this heading."""
    start = FILES_PAGE.index(f"## {title}\n")
    return FILES_PAGE[start : FILES_PAGE.find("\n## ", start + 3)]


def documented(title: str) -> set[str]:
    """The names in the first column of a section's table."""
    cells = re.findall(r"^\| (`[^|]*`) \|", section(title), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("`<stem>_frames.csv`", TABLE_COLUMNS),
        ("`<stem>_pores.csv`", PORE_COLUMNS),
        ("`<stem>_pore_tracks.csv`", TRACK_COLUMNS),
    ],
)
def test_page_lists_exactly_the_columns_that_are_written(
    table: str, columns: tuple[str, ...]
) -> None:
    assert documented(table) == set(columns)


def test_page_lists_exactly_the_numbers_of_the_summary() -> None:
    labels = np.full((3, 40, 60), 3, np.uint8)
    labels[:, :10] = 4
    labels[:, 10:25, 20:28] = 1
    found = Measurements(Experiment(pixel_size_um=2.0, frame_rate_hz=1e4))
    for result in measure_stack(labels, experiment=found.experiment):
        found.append(result.row, result.pores)
    assert documented("`<stem>_summary.json`") == set(found.summary())


def test_page_lists_what_a_run_record_holds(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "a_labels.tif", np.full((2, 40, 60), 3, np.uint8))
    with read_stack(tmp_path / "a_labels.tif") as stack:
        record = quantify_to_files(RunRequest(stack=stack, folder=tmp_path / "out", stem="a"))
    told = set(re.findall(r"`(\w+)`", section("`<stem>_run.json`")))
    assert set(record) <= told


def test_page_lists_what_a_model_card_holds() -> None:
    card = json.loads((load_bundle("fast").folder / "model.json").read_text(encoding="utf-8"))
    assert set(card) == documented("Model bundle")


def test_page_lists_the_columns_of_experiments() -> None:
    told = set(re.findall(r"\w+", section("Benchmark folder")))
    assert set(Experiment().to_json()) <= told


def test_every_option_of_every_command_stands_in_the_reference() -> None:
    page = docs_reference.commands()
    for path, command in docs_reference.all_commands():
        assert f"# {path}\n" in page
        start = page.index(f"# {path}\n")
        part = page[start : page.find("\n##", start)]
        for parameter in command.params:
            for name in parameter.opts:
                word = name if parameter.param_type_name == "option" else name.upper()
                assert f"`{word}`" in part, (path, name)


def test_every_setting_stands_in_the_reference_with_default_and_range() -> None:
    page = docs_reference.settings()
    records = docs_reference.all_settings()
    assert {"SegmentSettings", "MeasureSettings", "TrainSettings", "PhantomSettings"} <= {
        record.__name__ for record in records
    }
    for record in records:
        start = page.index(f"## {record.__name__}\n")
        part = page[start : page.find("\n## ", start)]
        for option in options(record):
            assert re.search(rf"^\| `{option.name}` \| .*{re.escape(option.unit)}", part, re.M)
    assert "| `percentile` | float | % | `10` | 0 to 100 | Percentile" in page


def test_ranges_of_settings_reach_the_commands() -> None:
    assert "| `--background-percentile` X | `10` | 0 to 100 |" in docs_reference.commands()


@pytest.mark.parametrize("path", [path for path, _ in docs_reference.all_commands()])
def test_every_command_has_a_page_that_tells_how_to_use_it(path: str) -> None:
    group = any(other.startswith(f"{path} ") for other, _ in docs_reference.all_commands())
    written = [page for page in PAGES if page.parent.name == "how-to"]
    typed = [
        page.name
        for page in written
        if re.search(rf"^    {path}\b", page.read_text(encoding="utf-8"), re.M)
    ]
    assert typed or group, f"no page of docs/how-to shows {path!r} in use"


def test_docstrings_become_lists_of_markdown() -> None:
    shown = docs_docstrings.markdown(
        """Look.

        first : the one. second, third : the
            others, see :class:`Stack`.

        Raises
        ------
        OSError, ValueError
            If there is none.
        """
    )
    assert shown.splitlines() == [
        "Look.",
        "",
        "- `first`: the one.",
        "- `second`, `third`: the others, see `Stack`.",
        "",
        "*Raises*",
        "",
        "- `OSError`, `ValueError`: If there is none.",
    ]


class Fetched(HTMLParser):
    """Collects what a browser would fetch or run from another place while it shows a page."""

    FETCHING = frozenset({"script", "img", "iframe", "source", "video", "audio", "object", "embed"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        loads = tag in self.FETCHING or (tag == "link" and given.get("rel") != "canonical")
        for name in ("src", "href", "srcset", "data", "poster"):
            if loads and re.match(r"\s*(\w+:)?//", given.get(name, "")):
                self.found.append(given[name])
        self.found += re.findall(r"url\(['\"]?(?:https?:)?//[^)]*", given.get("style", ""))
        self._within = tag

    def handle_data(self, data: str) -> None:
        if self._within == "style":
            self.found += re.findall(r"(?:@import|url\()[^;)]*//[^;)]*", data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as in `make docs`: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) >= len(PAGES)
    for page in pages:
        parser, text = Fetched(), page.read_text(encoding="utf-8")
        parser.feed(text)
        assert not parser.found, page.name
        assert 'class="mermaid"' not in text  # the theme would fetch what draws it
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.findall(r"@import|url\(['\"]?(?:https?:)?//", text), sheet.name


def test_scan_sees_what_would_be_fetched() -> None:
    parser = Fetched()
    parser.feed(
        '<link rel="stylesheet" href="https://fonts.example/a.css">'
        '<script src="//cdn.example/b.js"></script>'
        '<img src="images/own.png"><a href="https://example.org">no</a>'
    )
    assert parser.found == ["https://fonts.example/a.css", "//cdn.example/b.js"]


def test_generated_tables_are_in_the_site(site: Path) -> None:
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    settings = (site / "reference" / "settings.html").read_text(encoding="utf-8")
    python = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert 'id="amseg-dataset-add"' in commands
    assert 'id="phantomsettings"' in settings
    assert 'id="napari_amseg.pipeline.segment_stack"' in python
    guide = (site / "contributing.html").read_text(encoding="utf-8")
    assert 'href="architecture.html"' in guide
    assert "generated:" not in commands + settings + guide


def test_every_public_name_stands_in_the_python_reference() -> None:
    import napari_amseg

    page = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    told = {line.rpartition(".")[2] for line in page.splitlines() if line.startswith("::: ")}
    assert set(napari_amseg.__all__) - {"__version__"} <= told
