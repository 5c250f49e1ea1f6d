"""A quick check of an installed package: every native module is loaded from where it was installed.

Needs nothing but the package. Takes the folder that the modules must come from.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pyrocketmq


def main() -> int:
    place = Path(sys.argv[1]).resolve()
    package = Path(pyrocketmq.__file__).resolve().parent
    names = sorted(stub.stem for stub in (package / "_native").glob("*.pyi"))
    if not names:
        sys.exit(f"{package} has no native modules")
    for name in names:
        file = Path(str(importlib.import_module(f"pyrocketmq._native.{name}").__file__))
        if not file.is_relative_to(place) or not file.name.endswith(tuple(EXTENSION_SUFFIXES)):
            sys.exit(f"pyrocketmq._native.{name} is {file}, not a compiled module below {place}")
    version = importlib.metadata.version("pyrocketmq-turbo")
    print(f"pyrocketmq-turbo {version}: {len(names)} native modules loaded from {package}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
