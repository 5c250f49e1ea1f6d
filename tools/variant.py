"""Makes copies of the sources under build/NAME that are compiled in another way.

A sanitized, traced or annotated build never shares files with the normal one: cythonize compares times
only, so a change of mode in place would leave objects of the other mode behind.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = (
    "setup.py",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "Makefile",
    "mkdocs.yml",
)
BUILT = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "*.html", "__pycache__", "*.egg-info")


def copy_sources(name: str, *folders: str) -> Path:
    """Bring build/NAME up to date with the sources, without anything compiled, and return it."""
    copy = ROOT / "build" / name
    copy.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        if (ROOT / file).exists():
            shutil.copy2(ROOT / file, copy / file)
    for folder in folders:
        _forget_deleted(ROOT / folder, copy / folder)
        shutil.copytree(ROOT / folder, copy / folder, ignore=BUILT, dirs_exist_ok=True)
    return copy


def _forget_deleted(original: Path, copy: Path) -> None:
    for path in sorted(copy.rglob("*"), reverse=True):
        built = path.suffix in {".so", ".pyd", ".c", ".html"} or "__pycache__" in path.parts
        if not built and not path.is_dir() and not (original / path.relative_to(copy)).exists():
            path.unlink()


def compile_copy(copy: Path, **settings: str) -> None:
    """Build the extensions of a copy in place, unless they were built from the same sources already."""
    native = [path for ending in ("p[yx][xd]", "h") for path in (copy / "csrc").rglob(f"*.{ending}")]
    sources = [copy / "setup.py", *sorted(native)]
    digest = hashlib.sha256(repr((settings, sys.version)).encode())
    for path in sources:
        digest.update(f"{path.relative_to(copy)}\n".encode() + path.read_bytes())
    stamp = copy / ".compiled-from"
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest.hexdigest():
        return
    for stale in (copy / "src").rglob("*.so"):
        stale.unlink()
    print(f"compiling {copy.relative_to(ROOT)} with {settings}", flush=True)
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    subprocess.run(command, cwd=copy, env=os.environ | settings, check=True)
    stamp.write_text(digest.hexdigest(), encoding="ascii")


def suites_in(tree: Path, names: tuple[str, ...]) -> list[str]:
    """Those of the named test folders that have tests in this tree; none at all is an error."""
    found = [name for name in names if any((tree / name).rglob("test_*.py"))]
    if not found:
        sys.exit(f"no tests in {names} of {tree}")
    return found


def run_tests(copy: Path, arguments: list[str], **settings: str) -> int:
    """Run pytest inside a copy, on the modules of that copy, and return its exit code."""
    place = {"PYTHONPATH": str(copy / "src"), "PYROCKETMQ_EXPECT_PLACE": str(copy / "src")}
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=copy, env=os.environ | place | settings, check=False).returncode
