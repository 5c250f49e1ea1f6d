"""Builds the native core: every csrc/**/X.pyx becomes the compiled module of the same import path.

Everything else about the package is in pyproject.toml. Four environment variables change the build:
PYROCKETMQ_COMPILED=1 (compile nothing, the modules are in src already), PYROCKETMQ_TRACE=1 (line tracing, for
coverage), PYROCKETMQ_ANNOTATE=1 (yellow reports), PYROCKETMQ_SANITIZE=1 (AddressSanitizer and UBSan).
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_py import build_py

CSRC = Path("csrc")
COMPILED = os.environ.get("PYROCKETMQ_COMPILED") == "1"
TRACE = os.environ.get("PYROCKETMQ_TRACE") == "1"
ANNOTATE = os.environ.get("PYROCKETMQ_ANNOTATE") == "1"
SANITIZE = os.environ.get("PYROCKETMQ_SANITIZE") == "1"

DIRECTIVES = {
    "language_level": "3",
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "autotestdict": False,  # no __test__ in every module
    "auto_pickle": False,  # no __reduce_cython__ in every class
    # Encoders size a message and then write it; the GIL is what keeps it unchanged in between, so a
    # free-threaded interpreter has to switch it on for this core.
    "freethreading_compatible": False,
    "linetrace": TRACE,
}


def compile_flags() -> tuple[list[str], list[str]]:
    if sys.platform == "win32":
        return ["/O2"], []
    if SANITIZE:
        sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
        return ["-O1", "-g", "-fno-omit-frame-pointer", *sanitizers], sanitizers
    return ["-O3", "-g0", "-fvisibility=hidden"], []


def trace_macros() -> list[tuple[str, str | None]]:
    if not TRACE:
        return []
    # coverage reads Cython lines through settrace only, so sys.monitoring stays off.
    return [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")]


def extensions() -> list[Extension]:
    cflags, ldflags = compile_flags()
    return [
        Extension(
            ".".join(pyx.relative_to(CSRC).with_suffix("").parts),
            [pyx.as_posix()],
            depends=[header.as_posix() for header in sorted(pyx.parent.glob("*.h"))],
            include_dirs=[pyx.parent.as_posix()],
            libraries=["ws2_32"] if sys.platform == "win32" and list(pyx.parent.glob("*.h")) else [],
            define_macros=trace_macros(),
            extra_compile_args=cflags,
            extra_link_args=ldflags,
        )
        for pyx in sorted(CSRC.glob("**/*.pyx"))
    ]


class ship_pxd(build_py):
    """Put the .pxd files into the wheel, so that other extensions can cimport them."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for pxd in CSRC.glob("**/*.pxd"):
                target = Path(self.build_lib, pxd.relative_to(CSRC))
                target.parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(str(pxd), str(target))


setup(
    cmdclass={"build_py": ship_pxd},
    # Compilers on Windows share a debug database and get in each other's way.
    options={"build_ext": {"parallel": None if sys.platform == "win32" else os.cpu_count()}},
    ext_modules=cythonize(
        [] if COMPILED else extensions(),
        include_path=[str(CSRC)],
        # Coverage looks for the generated C beside its .pyx.
        build_dir=None if TRACE else "build/cython",
        annotate=ANNOTATE,
        # cythonize compares times only, so a change of mode has to force a rebuild.
        force=TRACE or ANNOTATE or SANITIZE,
        compiler_directives=DIRECTIVES,
        nthreads=0 if sys.platform == "win32" else os.cpu_count() or 1,
    ),
)
