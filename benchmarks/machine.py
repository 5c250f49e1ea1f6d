"""What the figures of a run depend on: processor, interpreter, libraries; nothing that names a place."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def version_of(distribution: str) -> str:
    """The installed version of a distribution."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def load() -> str:
    """How busy the machine was in the last minute."""
    try:
        return f"{os.getloadavg()[0]:.1f}"
    except (AttributeError, OSError):
        return "unknown"


def facts(rounds: int) -> dict[str, str]:
    """Everything to print beside the figures."""
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}".rstrip(" ,"),
        "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler of the interpreter": platform.python_compiler(),
        "orjson": version_of("orjson"),
        "cython": version_of("cython"),
        "rounds": str(rounds),
        "load at the end": load(),
    }
