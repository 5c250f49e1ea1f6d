"""Builds what would be released, and tries it as a stranger would.

sdist -> wheel from that sdist -> strict metadata check -> manylinux repair -> size and content -> install in
an empty environment with no compiler on PATH -> quick check -> FlaxFile without and with its extra -> the
unit and vector tests of the sdist.
The results are left in dist/.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path, PurePosixPath

from variant import suites_in

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
WORK = ROOT / "build" / "wheel"
MAX_WHEEL_BYTES = 3_000_000
SUITES = ("tests/unit", "tests/vectors")


def run(*command: str | Path, cwd: Path = ROOT, path: str | None = None, quiet: bool = False) -> None:
    """Run a command, shown first, with the given PATH; a failure ends the program.

    A quiet command's output is shown only if it fails.
    """
    print(f"$ {' '.join(str(part) for part in command)}", flush=True)
    usual = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path or usual}
    # The tests must see the installed package, not this checkout.
    environment.pop("PYTHONPATH", None)
    if not quiet:
        done = subprocess.run(command, cwd=cwd, env=environment, check=False)
    else:
        done = subprocess.run(
            command, cwd=cwd, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            sys.stdout.buffer.write(done.stdout)
    if done.returncode:
        sys.exit(done.returncode)


def only(folder: Path, pattern: str) -> Path:
    """The one file of a folder that matches."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"expected one {pattern} in {folder}, found {[path.name for path in found]}")
    return found[0]


def check_content(wheel: Path) -> None:
    """Refuse a wheel that is too large, lacks a part, or carries sources."""
    if wheel.stat().st_size > MAX_WHEEL_BYTES:
        sys.exit(f"{wheel.name} has {wheel.stat().st_size:,} bytes, more than {MAX_WHEEL_BYTES:,}")
    with zipfile.ZipFile(wheel) as archive:
        names = [PurePosixPath(name) for name in archive.namelist()]
    sources = {".pyx", ".c", ".html"}
    wrong = [str(name) for name in names if name.suffix in sources or name.parts[0] == "tests"]
    if wrong:
        sys.exit(f"{wheel.name} carries what only the sdist should: {wrong}")
    for source in sorted((ROOT / "csrc").rglob("*.p[yx][xd]")):
        module = PurePosixPath(source.relative_to(ROOT / "csrc").as_posix())
        endings = (".so", ".pyd") if source.suffix == ".pyx" else (".pxd",)
        stem = f"{module.with_suffix('')}."
        if not any(str(name).startswith(stem) and name.suffix in endings for name in names):
            sys.exit(f"{wheel.name} has no {endings[0]} for {module}")
        if source.suffix == ".pyx" and module.with_suffix(".pyi") not in names:
            sys.exit(f"{wheel.name} has no stub for {module}")
    for needed in ("pyrocketmq/py.typed", "flaxfile/py.typed", "flaxfile/texts_zh.json"):
        if PurePosixPath(needed) not in names:
            sys.exit(f"{wheel.name} has no {needed}")
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size:,} bytes")


def main() -> int:
    shutil.rmtree(DIST, ignore_errors=True)
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    run(sys.executable, "-m", "build", "--outdir", WORK / "built", ".", quiet=True)
    sdist = only(WORK / "built", "*.tar.gz")
    wheel = only(WORK / "built", "*.whl")
    DIST.mkdir()
    shutil.copy2(sdist, DIST)
    if sys.platform == "linux":
        repair = (sys.executable, "-m", "auditwheel", "repair", "--strip")
        run(*repair, "--wheel-dir", DIST, wheel, quiet=True)
    else:
        shutil.copy2(wheel, DIST)
    wheel = only(DIST, "*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", DIST / sdist.name, wheel)
    check_content(wheel)

    home = WORK / "empty"
    venv.create(home, with_pip=True)
    programs = home / ("Scripts" if sys.platform == "win32" else "bin")
    python = programs / "python"
    # PATH holds the environment alone: nothing can be compiled or borrowed from the machine.
    install = (python, "-m", "pip", "--quiet", "install", "--only-binary", ":all:")
    run(*install, wheel, cwd=WORK, path=str(programs))
    run(python, "-I", ROOT / "tools" / "check_wheel.py", home, cwd=WORK, path=str(programs))
    check_files = (python, "-I", ROOT / "tools" / "check_files.py", programs)
    run(*check_files, "without", cwd=WORK, path=str(programs))
    run(*install, f"pyrocketmq-turbo[files] @ {wheel.as_uri()}", cwd=WORK, path=str(programs))
    run(*check_files, "with", cwd=WORK, path=str(programs))

    with tarfile.open(sdist) as archive:
        archive.extractall(WORK, filter="data")
    unpacked = WORK / sdist.name.removesuffix(".tar.gz")
    requirement = f"pyrocketmq-turbo[test] @ {wheel.as_uri()}"
    run(*install, requirement, cwd=WORK, path=str(programs))
    os.environ["PYROCKETMQ_EXPECT_PLACE"] = str(home)
    run(python, "-m", "pytest", "-q", *suites_in(unpacked, SUITES), cwd=unpacked, path=str(programs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
