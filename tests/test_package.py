"""The package as installed: what importing it loads, its manifest, its version."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

import napari_amseg

KERAS = {"keras", "tensorflow", "torch", "jax"}
GUI = {"napari", "qtpy", "magicgui", "pyqtgraph", "PyQt5", "PyQt6", "PySide2", "PySide6"}
PACKAGE = Path(napari_amseg.__file__).parent


def loaded_after(code: str) -> set[str]:
    """Top-level modules a fresh interpreter holds after running `code`."""
    report = "import json, sys; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def modules_below(package: str) -> list[str]:
    folder = PACKAGE / package
    names = [path.relative_to(PACKAGE).with_suffix("") for path in sorted(folder.rglob("*.py"))]
    parts = [name.parent if name.name == "__init__" else name for name in names]
    return [".".join(("napari_amseg", *part.parts)) for part in parts if part.name != "__main__"]


def test_importing_the_package_loads_neither_keras_nor_qt():
    assert not loaded_after("import napari_amseg") & (KERAS | GUI)


@pytest.mark.parametrize("package", ["io", "preprocess", "sample", "measure", "report", "cli"])
def test_headless_packages_load_neither_keras_nor_qt_when_imported(package):
    code = "\n".join(f"import {name}" for name in modules_below(package))
    assert not loaded_after(code) & (KERAS | GUI)


def test_the_process_that_draws_loads_no_keras_backend():
    code = "\n".join(f"import {name}" for name in modules_below("plugin"))
    assert not loaded_after(code) & KERAS


@pytest.mark.parametrize("name", ["read_stack", "load_bundle", "segment_stack", "measure_stack"])
def test_the_four_names_for_scripts_are_there(name):
    assert callable(getattr(napari_amseg, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'melt'"):
        _ = napari_amseg.melt


def test_version_is_that_of_the_project_file(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert napari_amseg.__version__ == version("napari-amseg") == project["version"]


def test_top_level_manifest_is_a_symlink_to_the_one_in_the_package(repository):
    link = repository / "napari.yaml"
    assert link.is_symlink()
    assert link.resolve() == (repository / "src" / "napari_amseg" / "napari.yaml").resolve()


def test_napari_finds_a_valid_manifest_whose_commands_exist():
    from npe2 import PluginManifest

    manifest = PluginManifest.from_distribution("napari-amseg")
    assert manifest.name == "napari-amseg"
    manifest.validate_imports()
    assert manifest.contributions.readers
    assert manifest.contributions.writers
    assert manifest.contributions.widgets
    assert manifest.contributions.sample_data


def test_the_console_script_is_amseg():
    (script,) = entry_points(group="console_scripts", name="amseg")
    assert script.value == "napari_amseg.cli:app"
