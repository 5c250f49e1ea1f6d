"""Compares the names of compiled modules and stubs: each .pyx has its .pyi and the other way round."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    sources = {path.relative_to("csrc").with_suffix("") for path in Path("csrc").rglob("*.pyx")}
    folders = ("pyrocketmq/_native", "flaxfile/_core")
    stubs = {
        path.relative_to("src").with_suffix("")
        for name in folders
        for path in Path("src", name).glob("*.pyi")
    }
    for name in sorted(sources - stubs):
        print(f"csrc/{name}.pyx has no stub: write src/{name}.pyi")
    for name in sorted(stubs - sources):
        print(f"src/{name}.pyi describes a module that csrc does not have")
    return 0 if sources == stubs else 1


if __name__ == "__main__":
    sys.exit(main())
