"""Says what this machine lacks to build the package, and what to install; silent when nothing is missing.

Run by the Makefile with the interpreter the user chose, before anything is installed, so it needs the
standard library only and has to start on interpreters that are too old.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

OLDEST = (3, 11)


def missing_parts() -> list[tuple[str, str]]:
    """Pairs of (what is missing, what to install)."""
    version = "%d.%d" % sys.version_info[:2]
    if sys.version_info < OLDEST:
        return [
            (
                "Python %d.%d or later; %s is %s" % (*OLDEST, sys.executable, platform.python_version()),
                "a newer Python, then name it: make PYTHON=python3.12 ...",
            )
        ]
    if sys.implementation.name != "cpython":
        return [
            (
                "CPython; %s is %s, which cannot load the compiled core"
                % (sys.executable, platform.python_implementation()),
                "CPython, then name it: make PYTHON=python3.12 ...",
            )
        ]
    missing: list[tuple[str, str]] = []
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        missing.append(("the venv module of this Python", f"python{version}-venv (Debian, Ubuntu)"))
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        missing.append(
            (
                f"the C headers of this Python (no {header})",
                f"python{version}-dev (Debian, Ubuntu) or python3-devel (Fedora)",
            )
        )
    compiler = os.environ.get("CC", "").split() or ["gcc"]
    if not any(shutil.which(name) for name in (compiler[0], "cc")):
        missing.append(
            (
                f"a C compiler (no {compiler[0]} on PATH)",
                "gcc and libc6-dev (Debian, Ubuntu), gcc (Fedora), xcode-select --install (macOS)",
            )
        )
    return missing


def main() -> int:
    missing = missing_parts()
    for what, install in missing:
        print(f"missing: {what}\n  install: {install}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
