"""What a sync leaves alone is what git would: judged by git itself, on trees and rules made at random."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flaxfile.ignore import IgnoreRules, texts_below

GIT = shutil.which("git") or "git"
NAMES = [
    "a",
    "b",
    "ab",
    "a.o",
    "b.c",
    "foo",
    "foo.d",
    "a b",
    "a ",
    "-",
    "]",
    "x[1]",
    "#a",
    "!b",
    "a\\b",
    "\xe4",
]
FRAGMENTS = [
    *["a", "b", "foo", ".", "*", "**", "***", "?", "/", "/", "/**/", "**/", "/**", "\\", "\\*", "\\ ", " "],
    *["[ab]", "[!a]", "[^b-z]", "[]a]", "[a-]", "[[:alpha:]]", "[[:digit:]x]", "[[:nope:]]", "[a", "[\\]]"],
    *["[[:a]", "[--0]", "!", "#", "-", "\xe4", ".o", "[z-a]"],
]
RULES = st.lists(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=5).map("".join), max_size=5)
PATHS = st.lists(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join), min_size=1, max_size=8
)


def plant(top: Path, paths: list[str]) -> list[tuple[str, bool]]:
    """Makes the files that can be made; gives everything that is then there, and whether it is a folder."""
    for path in paths:
        target = top / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        except OSError:
            continue  # one name cannot be both a file and a folder
    found = []
    for folder, folders, files in os.walk(top):
        inside = Path(folder).relative_to(top)
        if ".git" in folders:
            folders.remove(".git")
        found += [((inside / name).as_posix(), True) for name in folders]
        found += [((inside / name).as_posix(), False) for name in files]
    return found


def ignored_by_git(top: Path, paths: list[str]) -> set[str]:
    answer = subprocess.run(
        [GIT, "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=top,
        input=b"\0".join(os.fsencode(path) for path in paths),
        capture_output=True,
        check=False,
        env={"HOME": str(top), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"},
    )
    assert answer.returncode in {0, 1}, answer.stderr
    return {os.fsdecode(path) for path in answer.stdout.split(b"\0") if path}


@pytest.fixture(scope="module")
def repository() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([GIT, "init", "-q", folder], check=True)
        yield Path(folder)


def clear(top: Path) -> None:
    for folder, folders, files in os.walk(top, topdown=False):
        if ".git" in Path(folder).relative_to(top).parts:
            continue
        for name in files:
            (Path(folder) / name).unlink()
        for name in folders:
            if name != ".git":
                (Path(folder) / name).rmdir()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RULES, RULES, PATHS)
def test_git_and_we_ignore_the_same_paths(
    repository: Path, top_rules: list[str], inner_rules: list[str], paths: list[str]
) -> None:
    clear(repository)
    there = plant(repository, paths)
    (repository / ".gitignore").write_bytes(os.fsencode("\n".join(top_rules)))
    for path, is_folder in there:
        if is_folder:
            (repository / path / ".gitignore").write_bytes(os.fsencode("\r\n".join(inner_rules) + "\n"))
            break
    expected = ignored_by_git(repository, [path for path, _ in there])

    rules = IgnoreRules(texts_below(repository))

    assert {path for path, is_folder in there if rules.ignored(path, is_folder)} == expected


def rules_of(
    texts: dict[str, bytes], *, command_line: list[str] | None = None, use_files: bool = True
) -> IgnoreRules:
    return IgnoreRules(
        lambda folder: [texts[folder]] if folder in texts else [],
        command_line=command_line or [],
        use_files=use_files,
    )


@pytest.mark.parametrize(
    ("line", "path", "is_folder", "expected"),
    [
        ("*.log", "deep/down/x.log", False, True),
        ("/x.log", "deep/x.log", False, False),
        ("build/", "build", False, False),
        ("build/", "src/build", True, True),
        ("a/**/z", "a/z", False, True),
        ("a/**/z", "a/b/c/z", False, True),
        ("!keep.log\n*.log", "keep.log", False, True),
        ("*.log\n!keep.log", "keep.log", False, False),
        ("name\\ ", "name ", False, True),
        ("name ", "name", False, True),
        ("# a", "# a", False, False),
        ("\\# a", "# a", False, True),
    ],
)
def test_the_rules_of_gitignore(line: str, path: str, is_folder: bool, expected: bool) -> None:
    assert rules_of({"": line.encode()}).ignored(path, is_folder) is expected


def test_a_deeper_file_takes_back_what_a_higher_one_ignores() -> None:
    rules = rules_of({"": b"*.log", "docs": b"!*.log"})

    assert rules.ignored("x.log", is_folder=False)
    assert not rules.ignored("docs/x.log", is_folder=False)


def test_nothing_below_an_ignored_folder_is_taken_back() -> None:
    rules = rules_of({"": b"out/\n!out/keep.txt"})

    assert rules.ignored("out/keep.txt", is_folder=False)


@pytest.mark.parametrize("path", [".git/config", "lib/__pycache__/x.pyc", "web/node_modules/a/b.js"])
def test_what_nobody_wants_to_send_is_ignored_unless_a_rule_takes_it_back(path: str) -> None:
    assert rules_of({}).ignored(path, is_folder=False)
    assert not rules_of({}, use_files=False).ignored(path, is_folder=False)
    assert not rules_of({"": b"!.git/\n!__pycache__/\n!node_modules/"}).ignored(path, is_folder=False)


@pytest.mark.parametrize("path", [".flaxfile/cache.db", "a/.big.bin.flaxpart", "a/.big.bin.flaxpart.map"])
def test_our_own_bookkeeping_is_never_sent(path: str) -> None:
    rules = rules_of({"": b"!*"}, use_files=False, command_line=["!*", "!.flaxfile/"])

    assert rules.ignored(path, is_folder=False)


def test_the_command_line_comes_before_the_files_and_its_last_word_counts() -> None:
    rules = rules_of({"": b"*.log\n!*.tmp"}, command_line=["!keep.log", "*.tmp"])

    assert not rules.ignored("keep.log", is_folder=False)
    assert rules.ignored("other.log", is_folder=False)
    assert rules.ignored("x.tmp", is_folder=False)


def test_rules_also_hold_for_names_that_are_not_text() -> None:
    odd = os.fsdecode(b"caf\xe9.log")

    assert rules_of({"": b"*.log"}).ignored(odd, is_folder=False)
