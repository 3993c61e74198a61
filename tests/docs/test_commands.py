"""Every command and every Python block of the documentation does what the pages say.

A page is run from top to bottom in a folder of its own. What it presumes is put there when it is
first named (conftest.py). `SHORTENED` and `NOT_RUN` are the only exceptions, with their reasons.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import typer
from docs_commands import Block, Command, blocks, commands, inline_code, pages
from typer.testing import CliRunner

from napari_amseg.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.relative_to(ROOT).as_posix(): path for path in pages(ROOT)}

# Why a command is not run here. A key is the beginning of a command line; those of amseg must
# still parse, scripts and targets of make must exist.
NOT_RUN = {
    "make": "makes an environment, runs all tests or all benchmarks",
    "napari": "opens a window; what is clicked is run by tests/plugin",
    "source": "is of the reader's own shell",
    "python benchmarks/": "takes minutes to hours; tests/benchmarks runs them in small",
    "python scripts/": "makes pictures in a window, or trains for an hour",
    "xvfb-run": "opens windows",
    "python -m pytest": "would run tests within a test",
    "amseg import-weights AM-SegNet.hdf5": "needs the published weights; see tests/cli",
}
# Options that end, or shorten, what would otherwise go on for long; the last of an option counts.
SHORTENED = {
    "amseg watch": "--until-idle 1 --settle 0.5 --poll 0.1",
    "amseg train": "--epochs 1 --draws 1",
    "amseg compare": "--epochs 1 --repeats 1",
    "amseg batch campaign.csv -o results --slurm": "--dry-run",
}
# In the quick run only, what is simulated is smaller than the pages say.
SMALLER = {
    "amseg simulate": "--height-px 64 --width-px 128 --pixel-size-um 6 --oversampling 1",
}
SHORTENED_CODE = {
    "docs/how-to/watch.md": ("pixel_size_um=4.31)", "pixel_size_um=4.31, until_idle_s=1)")
}
# Load a Keras backend, or train: they, and what needs their output, run with -m slow.
HEAVY = ("amseg train", "amseg compare", "amseg evaluate", "amseg explain", "amseg demo")
HEAVY_CODE = ("make_gradcam",)
OTHER_OPTIONS = {"--gres", "--help"}  # of sbatch; of every command


def page_blocks(name: str) -> list[Block]:
    return list(blocks(PAGES[name].read_text(encoding="utf-8")))


def page_commands(name: str) -> list[Command]:
    return [c for block in page_blocks(name) if block.kind == "shell" for c in commands(block)]


def starts(command: Command, beginnings) -> str | None:
    """The longest of `beginnings` with which a command begins, word by word."""
    words = shlex.join((command.program, *command.arguments))
    fits = [b for b in beginnings if words == b or words.startswith(b if b[-1] in "/" else f"{b} ")]
    return max(fits, key=len, default=None)


ALL = [(page, command) for page in PAGES for command in page_commands(page)]
AMSEG = [(page, command) for page, command in ALL if command.program == "amseg"]
RUNNABLE = [
    name
    for name in PAGES
    if any(b.kind == "python" for b in page_blocks(name))
    or any(c.program == "amseg" and not starts(c, NOT_RUN) for c in page_commands(name))
]


def command_id(value) -> str:
    return value if isinstance(value, str) else f"{value.line}"


# ------------------------------------------------------------------- nothing is left out


def test_every_documented_command_is_run_or_listed():
    unknown = [f"{page}:{c.line}: {c.text}" for page, c in ALL
               if c.program not in ("amseg", "cd", "mkdir") and not starts(c, NOT_RUN)]  # fmt: skip
    assert not unknown


@pytest.mark.parametrize("beginning", [*NOT_RUN, *SHORTENED, *SMALLER, *HEAVY])
def test_every_listed_exception_still_stands_in_the_documentation(beginning):
    assert any(starts(command, [beginning]) for _, command in ALL), "take it out of the table"


def test_no_command_hides_in_a_block_that_is_not_run():
    command = re.compile(r"^\s*\$? ?amseg ", re.MULTILINE)
    hidden = [
        f"{page}:{block.line}"
        for page in PAGES
        for block in page_blocks(page)
        if block.kind in ("text", "other") and command.search(block.text)
    ]
    assert not hidden


def test_targets_of_make_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page, command in ALL:
        if command.program == "make":
            named = [w for w in command.arguments if "=" not in w]
            assert set(named) <= targets, f"{page}:{command.line}"


def test_scripts_that_are_named_exist():
    for page, command in ALL:
        for word in command.arguments:
            if command.program in ("python", "xvfb-run") and re.match(
                r"(benchmarks|scripts)/", word
            ):
                assert (ROOT / word).exists(), f"{page}:{command.line}"


def test_extras_that_are_named_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {*project["optional-dependencies"]}
    for page, path in PAGES.items():
        for named in re.findall(r"(?:napari-amseg|\.)\[([a-z,]+)\]", path.read_text("utf-8")):
            assert set(named.split(",")) <= extras, page


# ---------------------------------------------------------------------- they can be parsed


def click_commands(command: click.Command, name: str = "amseg") -> dict[str, click.Command]:
    """All commands with their full names."""
    found = {name: command}
    if hasattr(command, "commands"):
        for word, below in command.commands.items():
            found |= click_commands(below, f"{name} {word}")
    return found


CLICK = click_commands(typer.main.get_command(app))


def parse(words: list[str]) -> None:
    """Parse a command line as the program would, without doing anything."""
    command, name = CLICK["amseg"], "amseg"
    while words and f"{name} {words[0]}" in CLICK:
        name = f"{name} {words[0]}"
        command, words = CLICK[name], words[1:]
    if not {"-h", "--help", "--version"} & set(words):
        with command.make_context(name, list(words), resilient_parsing=False):
            pass


@pytest.mark.parametrize(("page", "command"), AMSEG, ids=command_id)
def test_it_parses(page, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        parse(command.arguments)
    except click.UsageError as error:
        pytest.fail(f"{page}:{command.line}: {command.text}\n{error.format_message()}")


def test_commands_and_options_in_the_text_exist():
    options = {o for c in CLICK.values() for p in c.params for o in (*p.opts, *p.secondary_opts)}
    unknown = []
    for page, path in PAGES.items():
        for code in inline_code(path.read_text(encoding="utf-8")):
            words = code.split()
            if words[0] == "amseg" and len(words) > 1 and re.fullmatch("[a-z-]+", words[1]):
                known = f"amseg {words[1]}" in CLICK or words[1].startswith("-")
                unknown += [] if known else [f"{page}: {code}"]
            if words[0] == "amseg" or words[0].startswith("--"):
                named = re.findall(r"(?<![\w-])--[a-z][a-z-]+", code)
                unknown += [f"{page}: {o}" for o in named if o not in options | OTHER_OPTIONS]
    assert not unknown


# --------------------------------------------------------------------------- they are run


# Half a minute; what they show is tested elsewhere too.
LONG = ("docs/tutorials/beamtime-to-figure.md", "docs/how-to/video.md", "docs/how-to/correlate.md")


@pytest.mark.parametrize(
    "page", [pytest.param(p, marks=[pytest.mark.slow] if p in LONG else []) for p in RUNNABLE]
)
def test_page(page, presumed, tmp_path, monkeypatch):
    Reader(page, presumed, tmp_path, monkeypatch, heavy=False).follow()


@pytest.mark.slow
@pytest.mark.parametrize("page", RUNNABLE)
def test_page_with_its_trainings(page, presumed, tmp_path, monkeypatch):
    heavy = [c for c in page_commands(page) if starts(c, HEAVY)]
    code = [b for b in page_blocks(page) if b.kind == "python" and is_heavy(b)]
    if not heavy and not code:
        pytest.skip("nothing heavy on this page: the quick test runs all of it")
    Reader(page, presumed, tmp_path, monkeypatch, heavy=True).follow()


def is_heavy(block: Block) -> bool:
    return any(word in block.text for word in HEAVY_CODE)


class Reader:
    """Someone who types what a page says, from top to bottom."""

    def __init__(self, page, presumed, folder, monkeypatch, *, heavy: bool) -> None:
        self.page, self.presumed, self.folder, self.heavy = page, presumed, folder, heavy
        self.missing: set[str] = set()  # outputs of what was left out
        self.given: set[str] = set()  # what was put in their place
        self.ran = 0
        monkeypatch.chdir(folder)

    def follow(self) -> None:
        for block in page_blocks(self.page):
            if block.kind == "file":
                Path(block.name).parent.mkdir(parents=True, exist_ok=True)
                Path(block.name).write_text(block.text, encoding="utf-8")
            elif block.kind == "python":
                self.code(block)
            elif block.kind == "shell":
                for command in commands(block):
                    self.command(command)
        self.look_for_files()

    def command(self, command: Command) -> None:
        if command.program in ("mkdir", "cd"):
            assert command.program == "mkdir", "a page stays in one folder"
            Path(command.arguments[-1]).mkdir(parents=True)
        if command.program != "amseg" or starts(command, NOT_RUN):
            return
        out, named = self.output(command), self.inputs(command)
        if (starts(command, HEAVY) and not self.heavy) or self.lacks(named):
            self.leave_out(out)
            return
        for name in named:
            self.put(name)
        given = command.arguments + self.shortening(command).split()
        done = CliRunner().invoke(app, given)
        self.ran += 1
        place = f"{self.page}:{command.line}: {command.text}"
        assert done.exit_code == 0, f"{place}\n{done.output}\n{done.exception!r}"
        written = not out or "--dry-run" in given or Path(out).exists()
        assert written, f"{place}\n{out} was not written"

    def leave_out(self, out: str) -> None:
        """Note what a command would have written, unless there is something to go on with."""
        if self.presumed.has(out, self.page):
            self.put(out)
            self.given.add(out)
        else:
            self.missing.add(out)

    def shortening(self, command: Command) -> str:
        tables = SHORTENED if self.heavy else SHORTENED | SMALLER
        return tables.get(starts(command, tables) or "", "")

    def code(self, block: Block) -> None:
        text = block.text
        if is_heavy(block) and not self.heavy:
            return
        for name in re.findall(r'"([\w./-]+)"', text):
            if self.lacks({name.rstrip("/")}):
                return
            self.put(name.rstrip("/"))
        text = text.replace(*SHORTENED_CODE.get(self.page, ("", "")))
        code = compile(text, f"{self.page}:{block.line}", "exec")
        exec(code, {"__name__": "page"})
        self.ran += 1

    def lacks(self, names: set[str]) -> bool:
        """Whether one of them lies in what was left out."""
        return any(n == m or n.startswith(f"{m}/") for n in names for m in self.missing)

    def put(self, name: str) -> None:
        if not Path(name).exists() and self.presumed.has(name, self.page):
            self.presumed.put(name, self.page, self.folder)

    def output(self, command: Command) -> str:
        """What a command is to write: the value of -o."""
        words = command.arguments
        at = next((i for i, w in enumerate(words) if w in ("-o", "--out")), None)
        return words[at + 1] if at is not None else ""

    def inputs(self, command: Command) -> set[str]:
        """Words of a command that may name files; what it makes itself is none."""
        words = command.arguments
        made = {"-o", "--out"}
        if words[:2] == ["dataset", "add"] and not self.presumed.has("bench", self.page, only=True):
            made.add("--benchmark")  # the page makes it
        named = {w for before, w in zip(["", *words], words, strict=False) if before not in made}
        return {w.split("::")[0].rstrip("/") for w in named if not w.startswith("-")}

    def look_for_files(self) -> None:
        """Files that the page names with their folder are there."""
        left_out = self.missing | self.given
        folders = {self.output(c) for c in page_commands(self.page)} - left_out
        for code in inline_code(PAGES[self.page].read_text(encoding="utf-8")):
            named = re.fullmatch(r"([\w./-]+)/[\w.-]+\.(csv|json|png|pdf|svg|tif|mp4)", code)
            if named and named[1] in folders:
                assert Path(code).exists(), f"{self.page} names {code}, which no command wrote"


def test_a_page_that_is_wrong_fails(presumed, tmp_path, monkeypatch):
    """The reader notices a wrong option, a missing file and code that does not run."""
    page = tmp_path / "wrong.md"
    monkeypatch.setitem(PAGES, "wrong.md", page)
    for text in ("    amseg info missing.tif", "    amseg info run12.tif --no-such-option",
                 "```python\n1 / 0\n```"):  # fmt: skip
        page.write_text(text + "\n")
        with pytest.raises((AssertionError, ZeroDivisionError)):
            Reader("wrong.md", presumed, tmp_path, monkeypatch, heavy=False).follow()
