"""Which paths of a tree a sync leaves alone: the rules of git, byte for byte, at every level of the tree.

The decision is a function of a path and of the texts of the ignore files above it; where these texts come
from (a disk, a server) is the affair of whoever makes the rules. Nothing here walks a tree.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["BUILT_IN", "IGNORE_FILES", "IgnoreRules", "Pattern", "parse_patterns", "texts_below"]

IGNORE_FILES: Final = (".gitignore", ".flaxignore")
BUILT_IN: Final = frozenset((".git", "__pycache__", "node_modules"))
"""Folders that are ignored unless a rule of the tree or of the command line takes them back."""
OWN_FOLDER: Final = ".flaxfile"
OWN_ENDINGS: Final = (".flaxpart", ".flaxpart.map")
"""Our own bookkeeping: no rule takes these back."""

_SPECIAL: Final = frozenset(b"*?[\\")
_CLASSES: Final[dict[bytes, Callable[[int], bool]]] = {
    b"alnum": lambda c: chr(c).isalnum() and c < 128,
    b"alpha": lambda c: chr(c).isalpha() and c < 128,
    b"blank": lambda c: c in b" \t",
    b"cntrl": lambda c: c < 32 or c == 127,
    b"digit": lambda c: 48 <= c <= 57,
    b"graph": lambda c: 32 < c < 127,
    b"lower": lambda c: 97 <= c <= 122,
    b"print": lambda c: 32 <= c < 127,
    b"punct": lambda c: 32 < c < 127 and not chr(c).isalnum(),
    b"space": lambda c: c in b" \t\n\v\f\r",
    b"upper": lambda c: 65 <= c <= 90,
    b"xdigit": lambda c: c in b"0123456789abcdefABCDEF",
}


class Pattern(NamedTuple):
    """One line of an ignore file."""

    negated: bool
    only_folders: bool
    whole_path: bool
    """Compared with the path below the file's folder; otherwise with the last name alone."""
    literal: bytes
    """What the path or name has to begin with."""
    rest: re.Pattern[bytes] | None
    """What has to follow; None means nothing may."""

    def matches(self, path: bytes, name: bytes, is_folder: bool) -> bool:
        """Whether the line is about this path, which is relative to the file's folder."""
        if self.only_folders and not is_folder:
            return False
        subject = path if self.whole_path else name
        if self.rest is None:
            return subject == self.literal
        return subject.startswith(self.literal) and (
            self.rest.fullmatch(subject, len(self.literal)) is not None
        )


class _BadPatternError(Exception):
    """A pattern that git takes, and that matches nothing."""


def parse_patterns(text: bytes) -> list[Pattern]:
    """The lines of an ignore file."""
    lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    found = (parse_pattern(line.removesuffix(b"\r")) for line in lines if not line.startswith(b"#"))
    return [pattern for pattern in found if pattern is not None]


def parse_pattern(line: bytes) -> Pattern | None:
    """One line; None for one that can match nothing."""
    line = _without_trailing_spaces(line)
    negated = line.startswith(b"!")
    line = line.removeprefix(b"!")
    only_folders = line.endswith(b"/")
    line = line.removesuffix(b"/")
    whole_path = b"/" in line
    line = line.removeprefix(b"/") if whole_path else line
    length = next((at for at, byte in enumerate(line) if byte in _SPECIAL), len(line))
    literal, wild = line[:length], line[length:]
    if not line:
        return None
    try:
        rest = re.compile(_regex(wild), re.DOTALL) if wild else None
    except _BadPatternError:
        return None
    return Pattern(negated, only_folders, whole_path, literal, rest)


def _without_trailing_spaces(line: bytes) -> bytes:
    """Spaces at the end do not count, unless a backslash stands before them."""
    end = len(line)
    while end and line[end - 1] == 0x20:
        end -= 1
    backslashes = len(line[:end]) - len(line[:end].rstrip(b"\\"))
    if backslashes % 2 and end < len(line):
        end += 1
    return line[:end]


def _regex(wild: bytes) -> bytes:
    """The pattern from its first special character on, as a regular expression."""
    parts: list[bytes] = []
    at = 0
    while at < len(wild):
        byte = wild[at]
        if byte == 0x2A:
            part, at = _stars(wild, at)
        elif byte == 0x3F:
            part, at = b"[^/]", at + 1
        elif byte == 0x5B:
            part, at = _set(wild, at + 1)
        else:
            if byte == 0x5C:
                at += 1
                if at == len(wild):
                    raise _BadPatternError
            part, at = re.escape(wild[at : at + 1]), at + 1
        parts.append(part)
    return b"".join(parts)


def _stars(wild: bytes, start: int) -> tuple[bytes, int]:
    """One star stays inside a name; two of them between slashes pass over any number of folders."""
    end = start
    while end < len(wild) and wild[end] == 0x2A:
        end += 1
    after = wild[end : end + 2]
    alone = (start == 0 or wild[start - 1] == 0x2F) and (
        not after or after.startswith(b"/") or after == b"\\/"
    )
    if end - start < 2 or not alone:
        return b"[^/]*", end
    if after.startswith(b"/"):
        return b"(?:.*/)?", end + 1
    return b".*", end


def _set(wild: bytes, at: int) -> tuple[bytes, int]:
    """What stands in brackets, read as git reads it; ``at`` is behind the opening one."""
    negated = wild[at : at + 1] in {b"!", b"^"}
    at += negated
    taken: set[int] = set()
    before = 0
    first = True
    while first or wild[at : at + 1] != b"]":
        first = False
        before, at = _set_member(wild, at, before, taken)
        if at >= len(wild):
            raise _BadPatternError
    members = {byte for byte in range(1, 256) if (byte in taken) is not negated} - {0x2F}
    if not members:
        return b"(?!)", at + 1
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]", at + 1


def _set_member(wild: bytes, at: int, before: int, taken: set[int]) -> tuple[int, int]:
    """One character, range or class: gives what a range may begin with, and where the next one stands."""
    if at >= len(wild):
        raise _BadPatternError
    byte = wild[at]
    if byte == 0x5C:
        if at + 1 >= len(wild):
            raise _BadPatternError
        taken.add(wild[at + 1])
        return wild[at + 1], at + 2
    if byte == 0x2D and before and at + 1 < len(wild) and wild[at + 1] != 0x5D:
        at += 1
        if wild[at] == 0x5C:
            at += 1
            if at >= len(wild):
                raise _BadPatternError
        taken.update(range(before, wild[at] + 1))
        return 0, at + 1
    if wild[at : at + 2] == b"[:":
        end = wild.find(b"]", at + 2)
        if end < 0:
            raise _BadPatternError
        if end > at + 2 and wild[end - 1] == 0x3A:
            kind = _CLASSES.get(wild[at + 2 : end - 1])
            if kind is None:
                raise _BadPatternError
            taken.update(byte for byte in range(256) if kind(byte))
            return 0, end + 1
    taken.add(byte)
    return byte, at + 1


class IgnoreRules:
    """Says of each path below one folder whether a sync leaves it alone.

    Args:
        texts: gives the texts of the ignore files that stand in a folder, "" being the top one.
        command_line: patterns that come before all others, in their order; "!" in front includes.
        use_files: whether ignore files and built-in rules count at all.
    """

    def __init__(
        self,
        texts: Callable[[str], Iterable[bytes]],
        *,
        command_line: Sequence[str] = (),
        use_files: bool = True,
    ) -> None:
        self._texts = texts
        self._use_files = use_files
        self._first = parse_patterns(b"\n".join(os.fsencode(pattern) for pattern in command_line))
        self._folders: dict[str, bool] = {"": False}
        self._patterns: dict[str, list[Pattern]] = {}

    def ignored(self, path: str, is_folder: bool) -> bool:
        """Whether this path, with slashes and relative to the top, is to be left alone."""
        if is_folder:
            known = self._folders.get(path)
            if known is None:
                known = self._folders[path] = self._decide(path, is_folder=True)
            return known
        return self._decide(path, is_folder=False)

    def free(self, folder: str) -> bool:
        """Whether no pattern is about what stands in a folder: only our own bookkeeping is ignored there, and
        folders of some names.
        """
        if self._first or self._folders.get(folder) is not False:
            return False
        at: str | None = folder
        while at is not None and self._use_files:
            if self._patterns_of(at):
                return False
            at = at.rpartition("/")[0] if at else None
        return True

    def _decide(self, path: str, *, is_folder: bool) -> bool:
        parent, _, last = path.rpartition("/")
        # As in git, nothing below an ignored folder can be taken back.
        if self.ignored(parent, is_folder=True):
            return True
        if (is_folder and last == OWN_FOLDER) or last.endswith(OWN_ENDINGS):
            return True
        whole, name = os.fsencode(path), os.fsencode(last)
        said = _verdict(self._first, whole, name, is_folder) if self._first else None
        folder: str | None = parent
        while said is None and folder is not None and self._use_files:
            patterns = self._patterns_of(folder)
            if patterns:
                below = whole[len(os.fsencode(folder)) + 1 :] if folder else whole
                said = _verdict(patterns, below, name, is_folder)
            folder = folder.rpartition("/")[0] if folder else None
        if said is None:
            return is_folder and self._use_files and last in BUILT_IN
        return said

    def _patterns_of(self, folder: str) -> list[Pattern]:
        patterns = self._patterns.get(folder)
        if patterns is None:
            patterns = [one for text in self._texts(folder) for one in parse_patterns(text)]
            self._patterns[folder] = patterns
        return patterns


def _verdict(patterns: list[Pattern], path: bytes, name: bytes, is_folder: bool) -> bool | None:
    for pattern in reversed(patterns):
        if pattern.matches(path, name, is_folder):
            return not pattern.negated
    return None


def texts_below(top: Path) -> Callable[[str], list[bytes]]:
    """The ignore files of a tree on this machine; those that cannot be read count as empty."""
    below = os.path.join(top, "")  # noqa: PTH118 - a text is asked for in each folder, mostly for nothing

    def texts(folder: str) -> list[bytes]:
        found: list[bytes] = []
        for name in IGNORE_FILES:
            path = f"{below}{folder}/{name}" if folder else below + name
            try:
                # A link could lead anywhere, also to a device that never ends.
                if stat.S_ISREG(os.lstat(path).st_mode):
                    found.append(Path(path).read_bytes())
            except OSError:
                continue
        return found

    return texts
