"""The pages of FlaxFile say what is so: commands, options, codes and settings that are there."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from flaxfile import config, errors
from flaxfile.cli.main import COMMANDS, build_parser, split_command
from flaxfile.cli.options import normalized
from flaxfile.errors import FlaxError, MissingExtraError
from flaxfile.protocol.messages import Type

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "flaxfile"
PAGES = [*sorted(FOLDER.glob("*.md")), ROOT / "README.md"]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in FENCE.findall(page.read_text(encoding="utf-8")) if kind == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_command_lines_have_commands_and_options_that_exist(page: Path) -> None:
    for line in re.findall(
        r"^(?:\w+=\S+ )*(?:flaxfile|ff) (.*)$", "\n".join(blocks(page, "sh")), re.MULTILINE
    ):
        words = shlex.split(line, comments=True)
        words = words[: min((words.index(one) for one in (">", "|") if one in words), default=len(words))]
        name, rest = split_command(normalized(words))
        assert name is not None, line
        build_parser(name).parse_args(rest)


def test_the_quick_start_lists_every_command_and_setting() -> None:
    text = (FOLDER / "index.md").read_text(encoding="utf-8")
    table = tomllib.loads(blocks(FOLDER / "index.md", "toml")[0])

    assert all(f"`{name}" in text or f"{name}`" in text for name in COMMANDS)
    assert set(table["client"]) == set(config.ClientSettings._fields)
    commented = {"server_key", "authorized_clients"}
    assert set(table["server"]) | commented == set(config.ServerSettings._fields)
    defaults = config._build(config.ServerSettings, FOLDER, "server", table["server"])
    assert defaults == config.ServerSettings()
    assert config._build(config.ClientSettings, FOLDER, "client", table["client"]) == config.ClientSettings()


def test_the_page_of_errors_has_every_code_class_and_section() -> None:
    text = (FOLDER / "errors.md").read_text(encoding="utf-8")
    kinds = [
        kind
        for kind in (getattr(errors, name) for name in errors.__all__)
        if isinstance(kind, type)
        and issubclass(kind, FlaxError)
        and kind not in {FlaxError, MissingExtraError}
    ]

    rows = re.findall(r"^\| (\d+) \| (\w+) \| (\w+) \| (\w+) \|$", text, re.MULTILINE)
    assert rows == [
        (str(kind.code), kind.name, kind.__name__, "yes" if kind.retryable else "no")
        for kind in sorted(kinds, key=lambda kind: kind.code)
    ]
    assert re.findall(r"^## (\d+): ([A-Z_]+)$", text, re.MULTILINE) == [row[:2] for row in rows]


def test_the_specification_has_every_type_of_message() -> None:
    text = (FOLDER / "specification.md").read_text(encoding="utf-8")

    assert {(name, int(number)) for name, number in re.findall(r"\b([A-Z]+(?:_[A-Z]+)*) (\d+)\b", text)} >= {
        (kind.name, kind.value) for kind in Type
    }
