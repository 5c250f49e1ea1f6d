"""Says which native modules the suite runs on, refuses anything but compiled ones, and sets hypothesis up."""

from __future__ import annotations

import gc
import importlib
import os
import signal
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import pyrocketmq

if TYPE_CHECKING:
    from collections.abc import Generator

PACKAGE = Path(pyrocketmq.__file__).parent
NO_SKIPS = os.environ.get("PYROCKETMQ_NO_SKIPS") == "1"
EXPECTED_PLACE = os.environ.get("PYROCKETMQ_EXPECT_PLACE")

# Few examples, new ones each time, for a quick run; in CI 2,000 a property, the same ones each time, so that
# a change is judged by what it changed. No deadline: machines that run tests are busy.
settings.register_profile("quick", max_examples=200, deadline=None, print_blob=True)
settings.register_profile("ci", max_examples=2000, deadline=None, print_blob=True, derandomize=True)
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")
settings.load_profile(os.environ.get("PYROCKETMQ_HYPOTHESIS") or ("ci" if IN_CI else "quick"))


# Whoever starts the suite in the background lets it ignore Ctrl-C, and programs that it starts inherit that;
# those that are tested have to notice one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server",
        action="append",
        choices=("embedded", "5.5.0", "4.9.7"),
        help="server of the suites that need one; may be given several times",
    )


def native_modules() -> dict[str, Path]:
    """Every module of the native core that has a stub, loaded, with the file that it was loaded from."""
    names = sorted(stub.stem for stub in (PACKAGE / "_native").glob("*.pyi"))
    found = {}
    for name in names:
        module = importlib.import_module(f"pyrocketmq._native.{name}")
        found[name] = Path(str(module.__file__))
    return found


def pytest_report_header() -> list[str]:
    modules = native_modules()
    for name, path in modules.items():
        if not path.name.endswith(tuple(EXTENSION_SUFFIXES)):
            raise pytest.UsageError(f"pyrocketmq._native.{name} is not compiled: {path}. Run: make build")
        if EXPECTED_PLACE and not path.is_relative_to(Path(EXPECTED_PLACE).resolve()):
            raise pytest.UsageError(f"pyrocketmq._native.{name} is {path}, not below {EXPECTED_PLACE}")
    return [f"native modules: {len(modules)} compiled, in {PACKAGE / '_native'}: {', '.join(modules)}"]


def pytest_collection_finish() -> None:
    """What is there before the first test stays, so tests that collect garbage need not look through it."""
    gc.collect()
    gc.freeze()


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if NO_SKIPS and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, and PYROCKETMQ_NO_SKIPS=1 forbids that: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With PYROCKETMQ_NO_SKIPS=1 a skipped test is a failure: what should run must run."""
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips itself."""
    report = yield
    _forbid_skip(report)
    return report
