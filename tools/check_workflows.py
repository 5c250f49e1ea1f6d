"""Checks what can be checked of the hosted workflows without running them.

actionlint reads every workflow; it is built by go if it is not on PATH. cibuildwheel says which wheels the
configuration would build for each job of wheels.yml, and that list is compared with what is promised.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

PYTHONS = ("cp311", "cp312", "cp313", "cp314")
# (platform, architecture) of a job -> the platform tags of its wheels
JOBS = {
    ("linux", "x86_64"): ("manylinux_x86_64", "musllinux_x86_64"),
    ("linux", "aarch64"): ("manylinux_aarch64", "musllinux_aarch64"),
    ("macos", "x86_64"): ("macosx_x86_64",),
    ("macos", "arm64"): ("macosx_arm64",),
    ("windows", "AMD64"): ("win_amd64",),
}
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@latest"


def actionlint() -> str:
    """The path of actionlint, built first where only go is there."""
    if found := shutil.which("actionlint"):
        return found
    go = shutil.which("go")
    if not go:
        sys.exit("missing: actionlint, and go to build it with; install either")
    folder = Path("build", "go").resolve()
    program = folder / "actionlint"
    if not program.exists():
        subprocess.run([go, "install", ACTIONLINT], env=os.environ | {"GOBIN": str(folder)}, check=True)
    return str(program)


def main() -> int:
    workflows = sorted(Path(".github/workflows").glob("*.yml"))
    subprocess.run([actionlint(), "-color", *map(str, workflows)], check=True)
    print(f"actionlint: {len(workflows)} workflows are clean")

    text = Path(".github/workflows/wheels.yml").read_text(encoding="utf-8")
    jobs = set(re.findall(r"platform: (\w+), archs: (\w+)", text))
    if jobs != JOBS.keys():
        sys.exit(f"wheels.yml builds {sorted(jobs)}, expected {sorted(JOBS)}")
    wheels = 0
    for (platform, arch), tags in JOBS.items():
        command = ["cibuildwheel", "--print-build-identifiers", "--platform", platform, "--archs", arch]
        answer = subprocess.run(
            [sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        expected = {f"{python}-{tag}" for python, tag in product(PYTHONS, tags)}
        if set(answer.split()) != expected:
            sys.exit(f"{platform} {arch}: cibuildwheel builds {answer.split()}, expected {sorted(expected)}")
        wheels += len(expected)
    print(f"cibuildwheel: {wheels} wheels, as promised")
    return 0


if __name__ == "__main__":
    sys.exit(main())
