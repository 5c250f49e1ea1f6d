"""Holds the layer rule where import-linter cannot look: in the Cython sources.

The native core may import and cimport itself, the ground layer (errors, config, logging, ...) and what
lies outside the package, nothing above it. Prints each line that breaks this and exits with 1.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

GROUND = {"_native", "errors", "compression", "config", "logging", "_clock", "_compat"}
IMPORT = re.compile(
    r"^\s*(?:from\s+pyrocketmq(?:\.(?P<module>\w+)[\w.]*)?\s+c?import\s+(?P<names>[\w, ]*)"
    r"|c?import\s+pyrocketmq(?:\.(?P<plain>\w+))?)"
)


def layers_named(line: str) -> set[str]:
    """The modules directly below pyrocketmq that a line of source imports from."""
    match = IMPORT.match(line)
    if not match:
        return set()
    if match["module"] or match["plain"]:
        return {match["module"] or match["plain"]}
    return {name.split()[0] for name in (match["names"] or "").split(",") if name.strip()} or {"(package)"}


def main() -> int:
    wrong = 0
    for path in sorted(Path("csrc").rglob("*.p[yx][xd]")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for layer in sorted(layers_named(line) - GROUND):
                print(f"{path}:{number}: the native core must not import pyrocketmq.{layer}")
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
