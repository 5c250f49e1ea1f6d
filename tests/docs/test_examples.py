"""Every example runs alone, prints something, and stays short enough to read."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_is_short(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(example), run_name="__main__")

    assert capsys.readouterr().out
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60


def test_there_are_examples() -> None:
    assert EXAMPLES
