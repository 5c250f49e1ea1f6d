"""Every `pyrocketmq ...` in README and docs is a command line that the program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pyrocketmq.cli.exits import EXIT_CODES
from pyrocketmq.cli.main import COMMANDS, build_parser

from .test_code_blocks import PAGES, ROOT, blocks_of, named


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_command_lines_have_commands_and_options_that_exist(page: Path) -> None:
    for block in blocks_of(page):
        if block.language not in {"sh", "console"}:
            continue
        for line in re.findall(r"^(?:\$ )?(?:python -m )?pyrocketmq (.*)$", block.text, re.MULTILINE):
            words = shlex.split(line, comments=True)
            if "--help" not in words:
                build_parser(words[0]).parse_args(words)


def test_the_page_lists_every_exit_code_and_every_command() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE) == [
        (str(int(code)), meaning) for code, meaning in EXIT_CODES.items()
    ]
    assert set(COMMANDS) == set(re.findall(r"^## (\w+)$", page, re.MULTILINE)) - {"Exit"}
