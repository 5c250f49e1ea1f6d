"""Runs the suite on a core compiled with AddressSanitizer and UBSan, in a copy under build/asan.

PYROCKETMQ_FUZZ_CASES sets how many hostile inputs the fuzz tests feed to the decoders. Arguments are
handed to pytest in place of the default folders.
"""

from __future__ import annotations

import os
import subprocess
import sys

from variant import compile_copy, copy_sources, run_tests, suites_in

SUITES = (
    "tests/unit",
    "tests/vectors",
    "tests/transport",
    "tests/engine",
    "tests/server",
    "tests/fuzz",
    "tests/flaxfile/engine",
    "tests/flaxfile/hostile",
    "tests/flaxfile/transfer",
)


def runtime_library(name: str) -> str:
    """Where gcc keeps a sanitizer's runtime, which has to be loaded before the interpreter itself."""
    compiler = os.environ.get("CC", "gcc")
    command = [compiler, f"-print-file-name={name}"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if "/" not in path:
        sys.exit(f"missing: {name}, the sanitizer runtime of {compiler}; install libasan and libubsan for it")
    return path


def main() -> int:
    copy = copy_sources("asan", "csrc", "src", "tests", "docs", "tools")
    compile_copy(copy, PYROCKETMQ_SANITIZE="1")
    preload = " ".join(runtime_library(name) for name in ("libasan.so", "libubsan.so"))
    suites = sys.argv[1:] or suites_in(copy, SUITES)
    return run_tests(
        copy,
        # pytest must not hold back file descriptor 2: a report is written there just before the abort.
        # A million hostile inputs, several times slower than usual, take longer than a test may otherwise.
        ["--capture=sys", "-o", "timeout=3000", *suites],
        LD_PRELOAD=preload,
        # Python's own allocator hides overruns inside its arenas.
        PYTHONMALLOC="malloc",
        # No leak check: the interpreter itself keeps memory until the end, and each block would be reported.
        # The unit tests count references and memory instead. An abort makes pytest name the running test.
        ASAN_OPTIONS="detect_leaks=0:abort_on_error=1",
        UBSAN_OPTIONS="print_stacktrace=1:abort_on_error=1",
        PYROCKETMQ_HYPOTHESIS="quick",  # the fuzz suite is what brings the bad input here
    )


if __name__ == "__main__":
    sys.exit(main())
