"""What callers get of a transfer. Values only."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["TransferResult"]


@dataclass(frozen=True, slots=True)
class TransferResult:
    """What a finished, verified transfer was. Also answers the keys of a dict, those of FlaxFile 1 too."""

    op: str
    """``put`` or ``get``."""
    key: str
    size: int
    """Bytes of the file, or of the part of it that was asked for."""
    seconds: float
    bytes_sent: int
    """Payload bytes that crossed the wire: less than ``size`` after a resume or for holes."""
    resumed_from: int
    """Bytes that were there already."""
    hash: str
    """In hexadecimal digits: of the kind ``blake3`` that of the content, which `b3sum` shows too; of the kind
    ``xxh3`` the root over the hashes of all chunks."""
    etag: str
    num_sockets: int
    window_size: int
    hash_kind: str = "xxh3"
    not_modified: bool = False
    """Whether nothing was fetched, because what is there is the version that was named; `hash` is empty."""

    @property
    def throughput(self) -> float:
        """Mebibytes a second, as FlaxFile 1 counted."""
        return self.size / 1048576 / self.seconds if self.seconds > 0 and not self.not_modified else 0.0

    def __getitem__(self, name: str) -> object:
        """A field by its name, or by the name it had in FlaxFile 1."""
        if name in {"total_time", "transfer_time"}:
            return self.seconds
        if name == "prepare_time":
            return 0.0
        if name == "file_key":
            return self.key
        if name == "sha256":
            return self.hash
        if name == "total_concurrency":
            return self.num_sockets * self.window_size
        if name == "throughput" or name in self.keys():
            return getattr(self, name)
        raise KeyError(name)

    def keys(self) -> list[str]:
        """The names of all fields."""
        return [item.name for item in fields(self)]

    def get(self, name: str, default: object = None) -> object:
        """A field by its name, or ``default``."""
        try:
            return self[name]
        except KeyError:
            return default
