"""What the Makefile offers is what the pages and the project's own habits say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTRAS = {"files", "chat", "lz4", "zstd", "otel", "prometheus", "rich", "dev", "docs"}


def test_every_phony_target_of_the_makefile_has_a_rule_with_a_description() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    described = re.findall(r"^([a-z][a-z-]*):.*## ", text, re.MULTILINE)

    assert phony is not None
    assert phony[1].split() == described


def test_required_dependencies_are_only_these_three() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert [re.split(r"[><=]", need)[0] for need in project["dependencies"]] == ["orjson", "xxhash", "uvloop"]
    assert set(project["optional-dependencies"]) >= EXTRAS
