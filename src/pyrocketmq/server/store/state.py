"""Small state in JSON files that are replaced in one step: topic settings, consumer offsets, and the like.

A file is one object: `version`, `crc32c` of the JSON text of the state, and `state`. Somebody who edits a
file by hand takes `crc32c` out. Must not know what the state means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson

from pyrocketmq._native.crc import crc32c
from pyrocketmq.errors import StoreDamagedError, StoreError

from .files import translated, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from .files import FileLayer

__all__ = ["StateFile"]

VERSION = 1


class StateFile:
    """One JSON file with a state of str keys.

    Args:
        files: the file layer to go through.
        path: the file.
        sync: whether a saved state survives a power cut.
    """

    def __init__(self, files: FileLayer, path: Path, *, sync: bool = True) -> None:
        self._files = files
        self._sync = sync
        self.path = path

    def load(self) -> dict[str, Any]:
        """The state as it was saved last; empty if it never was.

        Raises:
            StoreDamagedError: the file cannot be read as a state.
        """
        try:
            with translated(f"cannot read {self.path}"):
                text = self._files.read(self.path)
        except StoreError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return {}
            raise
        try:
            content = orjson.loads(text)
            version, state = content["version"], content["state"]
            known = content.get("crc32c")
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
            raise self._damaged("is not what was saved: no JSON object with version and state") from error
        if version != VERSION:
            raise self._damaged(f"has format {version!r}, this release reads {VERSION}")
        if not isinstance(state, dict):
            raise self._damaged(f"has {type(state).__name__} for a state, not an object")
        if known is not None and known != crc32c(orjson.dumps(state)):
            raise self._damaged("has another checksum than its content")
        return cast("dict[str, Any]", state)

    def save(self, state: dict[str, Any]) -> None:
        """Replace the state in one step.

        Raises:
            StoreFullError: there is no space; the file has the state that was saved last.
            StoreError: it cannot be written for another reason.
        """
        text = orjson.dumps(state)
        head = b'{"version":%d,"crc32c":%d,"state":' % (VERSION, crc32c(text))
        with translated(f"cannot write {self.path}"):
            write_atomically(self._files, self.path, head + text + b"}\n", sync=self._sync)

    def _damaged(self, why: str) -> StoreDamagedError:
        return StoreDamagedError(
            f"the state file {self.path} {why}",
            field=self.path.name,
            advice="restore it from a backup, or remove it to begin without this state",
        )
