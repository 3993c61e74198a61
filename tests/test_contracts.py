"""The layers of the design hold: import-linter's contracts in pyproject.toml, and file sizes."""

from __future__ import annotations

import subprocess
import sys

LONGEST_MODULE = 300


def test_import_contracts_hold(repository):
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_is_longer_than_one_idea(repository):
    too_long = {
        str(path.relative_to(repository)): length
        for path in sorted((repository / "src").rglob("*.py"))
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    assert not too_long
