"""The layers of the design hold: import-linter's contracts in pyproject.toml, and file sizes."""

from __future__ import annotations

import ast
import subprocess
import sys

LONGEST_MODULE = 300
# What could execute something that lies in a file, or fetch something from elsewhere.
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "load_model", "Lambda", "full_load",
                   "unsafe_load", "read_pickle", "system", "popen"}  # fmt: skip
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal",
                     "yaml", "urllib", "requests", "httpx", "ftplib", "http"}  # fmt: skip


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


def test_nothing_in_a_file_is_executed_or_fetched(repository):
    found = []
    for path in sorted((repository / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if told := _harm(node):
                found.append(f"{path.relative_to(repository)}:{node.lineno}: {told}")
    assert not found


def _harm(node: ast.AST) -> str:
    """What is forbidden in a piece of code; empty if nothing is."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        return ", ".join(n for n in names if n and n.split(".")[0] in FORBIDDEN_MODULES)
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    of = node.func.value if attribute else None
    if name in FORBIDDEN_CALLS or attribute in FORBIDDEN_CALLS - {"compile", "exec"}:
        return name or attribute
    if attribute == "load" and isinstance(of, ast.Name) and of.id in ("torch", "pickle"):
        return f"{of.id}.load"
    for keyword in node.keywords:
        wanted = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        if keyword.arg in ("allow_pickle", "shell") and not (
            isinstance(keyword.value, ast.Constant) and not wanted
        ):
            return f"{keyword.arg} is not False"
    return ""


def test_the_check_for_harm_sees_it():
    for code in ("import pickle", "from urllib.request import urlopen", "eval(text)",
                 "keras.models.load_model(path)", "np.load(path, allow_pickle=True)",
                 "np.load(path, allow_pickle=given)", "subprocess.run(text, shell=True)",
                 "torch.load(path)", "layers.Lambda(f)", "os.system(text)"):  # fmt: skip
        assert any(_harm(node) for node in ast.walk(ast.parse(code))), code
    for code in ("re.compile(x)", "box.exec()", "np.load(path, allow_pickle=False)"):
        assert not any(_harm(node) for node in ast.walk(ast.parse(code))), code
