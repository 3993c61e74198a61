"""CITATION.cff holds what the Citation File Format 1.2.0 asks for, and agrees with the package."""

from __future__ import annotations

import datetime
import re
import tomllib

import pytest
import yaml


@pytest.fixture(scope="module")
def citation(repository):
    return yaml.safe_load((repository / "CITATION.cff").read_text(encoding="utf-8"))


def test_what_the_format_requires_is_there(citation):
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert isinstance(citation["date-released"], datetime.date)
    assert all("name" in a or "family-names" in a for a in citation["authors"])


def test_it_agrees_with_the_package(citation, repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert str(citation["version"]) == project["version"]
    assert citation["title"] == project["name"]
    assert citation["license"] == project["license"]
    assert [a["name"] for a in citation["authors"]] == [a["name"] for a in project["authors"]]


def test_the_paper_is_cited(citation):
    (paper,) = citation["references"]
    assert {"type", "title", "authors", "journal", "year", "doi"} <= paper.keys()
    assert re.fullmatch(r"10\.\d{4,}/\S+", paper["doi"])
    assert paper["authors"][0]["family-names"] == "Li"
