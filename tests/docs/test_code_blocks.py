"""Every Python block of README and docs runs, in page order, and prints what the page says it prints.

The blocks of one page share a namespace, as a reader would type them. A ``text`` block straight after a
``python`` block is that block's output. Where a page says ``localhost:9876``, an embedded broker stands in
for the reader's own. Shell blocks are not run; the make targets and extras that they name have to exist.
"""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pyrocketmq.testing import LocalRocketMQ

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "flaxfile").glob("*.md"),
        ROOT / "benchmarks" / "README.md",
    ]
    if path.exists()
)
ADDRESS = "localhost:9876"
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    language: str
    text: str
    line: int
    follows: bool
    """Only blank lines stand between this block and the one before."""


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    blocks = []
    end = 0
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        blocks.append(Block(match[1], match[2], line, not text[end : match.start()].strip()))
        end = match.end()
    return blocks


@contextlib.contextmanager
def server_for(page: Path) -> Iterator[str]:
    """The address in place of the one that the page has."""
    if not any(ADDRESS in block.text for block in blocks_of(page) if block.language == "python"):
        yield ADDRESS
        return
    with LocalRocketMQ() as rocketmq:
        yield rocketmq.addr


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_blocks_run_and_print_what_the_page_says(page: Path) -> None:
    with server_for(page) as address, warnings.catch_warnings():
        # From 3.12 on, for a fork while there are threads; one page is about just that.
        warnings.filterwarnings("ignore", "This process", DeprecationWarning)
        run_blocks(page, address)


def run_blocks(page: Path, address: str) -> None:
    namespace: dict[str, object] = {"__name__": "__main__"}
    printed: str | None = None
    for block in blocks_of(page):
        if block.language == "python":
            # Blank lines in front make line numbers in a traceback those of the page.
            source = "\n" * block.line + block.text.replace(ADDRESS, address)
            code = compile(source, str(page), "exec")
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(code, namespace)  # noqa: S102 - the pages are ours
            printed = output.getvalue()
        elif block.language == "text" and block.follows and printed is not None:
            assert printed == block.text, f"output of the block before {named(page)}:{block.line}"
            printed = None
        else:
            printed = None


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_shell_blocks_name_targets_and_extras_that_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    text = page.read_text(encoding="utf-8")
    commands = "\n".join(block.text for block in blocks_of(page) if block.language in {"sh", "console"})
    commands += "\n".join(re.findall(r"`([^`\n]+)`", text))

    assert set(re.findall(r"\bmake (?:[A-Z_]+=\S+ )?([a-z][a-z-]*)", commands)) <= targets
    for listed in re.findall(r"pyrocketmq-turbo\[([\w,]+)\]", commands):
        assert set(listed.split(",")) <= extras
