"""Puts tables that have a source elsewhere where a page of the site says ``[[name of the table]]``.

The table of benchmarks is written to benchmarks/README.md by `make bench BENCH=--report`, the differences
between servers stand in tests/conformance/differences.toml; the site only shows them.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks" / "README.md"
DIFFERENCES = ROOT / "tests" / "conformance" / "differences.toml"
TABLE = re.compile(r"<!-- table: begin[^>]*-->\n(.*?)<!-- table: end -->", re.DOTALL)


def on_page_markdown(markdown: str, **_: object) -> str:
    """What mkdocs calls with the text of each page."""
    for marker, make in (
        ("[[benchmark table]]", benchmark_table),
        ("[[differences table]]", differences_table),
    ):
        if marker in markdown:
            markdown = markdown.replace(marker, make())
    return markdown


def benchmark_table() -> str:
    table = TABLE.search(BENCHMARKS.read_text(encoding="utf-8"))
    if table is None:
        raise ValueError(f"{BENCHMARKS} has no table between its markers")
    return table[1].strip()


def differences_table() -> str:
    entries = tomllib.loads(DIFFERENCES.read_text(encoding="utf-8")).values()
    lines = ["| servers | rule | instead | why |", "|---|---|---|---|"]
    for entry in entries:
        cells = [", ".join(entry["servers"]), entry["rule"], entry["instead"], entry["reason"]]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
