"""Hook of mkdocs: the page *Contribute* is CONTRIBUTING.md of the repository, its links adapted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

GUIDE = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The text of a page; links of the guide are relative to the repository, not to docs."""
    if page.file.src_uri != "contributing.md":
        return markdown
    return GUIDE.read_text(encoding="utf-8").replace("](docs/", "](")
