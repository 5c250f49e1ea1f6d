"""Measures line coverage of the Python and the Cython sources, in a traced copy under build/cover.

Arguments are handed to pytest in place of the default folders.
"""

from __future__ import annotations

import sys

from variant import compile_copy, copy_sources, run_tests, suites_in

# Tracing keeps memory of its own, and lets other threads in where compiled code never would.
UNFIT = (
    "--ignore=tests/unit/test_leaks.py",
    "--deselect=tests/unit/test_ids.py::test_unique_ids_of_eight_threads_differ",
)
SUITES = ("tests/unit", "tests/vectors", "tests/fuzz")


def main() -> int:
    copy = copy_sources("cover", "csrc", "src", "tests", "docs")
    compile_copy(copy, PYROCKETMQ_TRACE="1")
    suites = sys.argv[1:] or suites_in(copy, SUITES)
    reports = ["--cov", "--cov-config=pyproject.toml", "--cov-report=term", "--cov-report=html:html"]
    # Tracing costs a Python call for each line, so time limits of tests are stretched.
    return run_tests(copy, ["-o", "timeout=1200", *reports, *UNFIT, *suites])


if __name__ == "__main__":
    sys.exit(main())
