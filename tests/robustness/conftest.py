"""The corpus, written once a session, and its modules for the tests beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from corpus import Case, make_corpus


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory) -> Path:
    """The folder the corpus is written to."""
    return tmp_path_factory.mktemp("corpus")


@pytest.fixture(scope="session")
def corpus(corpus_folder: Path) -> tuple[Case, ...]:
    """All files of the corpus."""
    return make_corpus(corpus_folder)
