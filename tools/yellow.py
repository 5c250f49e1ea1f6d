"""Lists how much Python each Cython source calls, and fails where a hot region calls more than it may.

Cython's annotate report gives every line a score: 0 is plain C, more is calls into the interpreter. A hot
region is marked in the source; its marker may give the score that each of its lines is allowed:

    # hot: begin
    # hot: begin, at most 6
    # hot: end

Without a number the allowance is 0. The reports are left in build/yellow for reading in a browser.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from variant import copy_sources

LINE = re.compile(r'<pre class="cython line score-(\d+)"[^>]*>[^<]*<span class="">(\d+)</span>')
BEGIN = re.compile(r"^\s*# hot: begin(?:, at most (\d+))?\s*$")
END = re.compile(r"^\s*# hot: end\s*$")


def scores_of(report: str) -> dict[int, int]:
    """Line number -> score, from the HTML of one annotate report."""
    return {int(number): int(score) for score, number in LINE.findall(report)}


def allowances(source: list[str], path: Path) -> dict[int, int]:
    """Line number -> highest score allowed, for the lines inside marked regions."""
    allowed: dict[int, int] = {}
    begun = 0
    limit = 0
    for number, line in enumerate(source, 1):
        if match := BEGIN.match(line):
            if begun:
                sys.exit(f"{path}:{number}: a hot region begins inside the one of line {begun}")
            begun, limit = number, int(match[1] or 0)
        elif END.match(line):
            if not begun:
                sys.exit(f"{path}:{number}: a hot region ends that never began")
            begun = 0
        elif "# hot:" in line:
            sys.exit(f"{path}:{number}: neither '# hot: begin[, at most N]' nor '# hot: end'")
        elif begun:
            allowed[number] = limit
    if begun:
        sys.exit(f"{path}:{begun}: a hot region begins and never ends")
    return allowed


def main() -> int:
    copy = copy_sources("yellow", "csrc", "src")
    # cythonize runs before any command is looked at, so asking for the name writes the reports only.
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "--name"],
        cwd=copy,
        env=os.environ | {"PYROCKETMQ_ANNOTATE": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    for pxd in sorted((copy / "csrc").rglob("*.pxd")):
        if "# hot:" in pxd.read_text(encoding="utf-8"):
            sys.exit(f"{pxd.relative_to(copy)} marks a hot region, but reports have no scores for .pxd files")
    too_yellow = 0
    print(f"{'source':<52}{'lines':>7}{'white':>7}{'hot':>6}{'over':>6}")
    for pyx in sorted((copy / "csrc").rglob("*.pyx")):
        name = pyx.relative_to(copy)
        report = copy / "build" / "cython" / name.with_suffix(".html")
        source = pyx.read_text(encoding="utf-8").splitlines()
        scores = scores_of(report.read_text(encoding="utf-8"))
        if len(scores) < len(source) - 1:
            sys.exit(f"{report} has scores for {len(scores)} of {len(source)} lines: its format changed")
        allowed = allowances(source, name)
        over = [number for number, limit in allowed.items() if scores.get(number, 0) > limit]
        white = sum(score == 0 for score in scores.values())
        print(f"{name!s:<52}{len(scores):>7}{white:>7}{len(allowed):>6}{len(over):>6}")
        for number in over:
            line = source[number - 1].strip()
            print(f"  {name}:{number}: score {scores[number]}, at most {allowed[number]} allowed: {line}")
        too_yellow += len(over)
    print(f"reports: {(copy / 'build' / 'cython').relative_to(Path.cwd())}")
    return 1 if too_yellow else 0


if __name__ == "__main__":
    sys.exit(main())
