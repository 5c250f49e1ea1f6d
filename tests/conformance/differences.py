"""Reads differences.toml, the one list of what servers do differently."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("differences.toml")


class Difference(NamedTuple):
    """One behaviour in which some servers differ from the rule."""

    name: str
    servers: tuple[str, ...]
    rule: str
    instead: str
    reason: str


def load() -> dict[str, Difference]:
    entries = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: Difference(name, tuple(entry.pop("servers")), **entry) for name, entry in entries.items()}


DIFFERENCES = load()
