"""What the figures of a run depend on: processor, system, interpreter, libraries; nothing names a place."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from pyrocketmq import __version__

__all__ = ["machine_facts"]

_LIBRARIES: Final = ("uvloop", "orjson", "lz4", "zstandard")


def machine_facts() -> dict[str, str]:
    """Everything to keep beside the figures."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = {
        "processor": _processor(),
        "cores": f"{usable} of {os.cpu_count()}",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "pyrocketmq-turbo": __version__,
    }
    for name in _LIBRARIES:
        facts[name] = _version_of(name)
    facts["load before"] = _load()
    return {name: value for name, value in facts.items() if value}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return ""
    return f"{pages * page / (1 << 30):.1f} GiB"


def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _load() -> str:
    try:
        return f"{os.getloadavg()[0]:.1f}"
    except (AttributeError, OSError):
        return ""
