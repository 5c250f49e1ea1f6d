"""Puts the table of benchmarks/README.md where a page of the site says ``[[benchmark table]]``.

The table is written there by `make bench BENCH=--report`; the site only shows it.
"""

from __future__ import annotations

import re
from pathlib import Path

MARKER = "[[benchmark table]]"
SOURCE = Path(__file__).resolve().parents[1] / "benchmarks" / "README.md"
TABLE = re.compile(r"<!-- table: begin[^>]*-->\n(.*?)<!-- table: end -->", re.DOTALL)


def on_page_markdown(markdown: str, **_: object) -> str:
    """What mkdocs calls with the text of each page."""
    if MARKER not in markdown:
        return markdown
    table = TABLE.search(SOURCE.read_text(encoding="utf-8"))
    if table is None:
        raise ValueError(f"{SOURCE} has no table between its markers")
    return markdown.replace(MARKER, table[1].strip())
