"""What can be chosen about the storage of the embedded broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pyrocketmq.errors import ConfigurationError

__all__ = ["FsyncPolicy", "StoreOptions"]

FsyncPolicy = Literal["never", "interval", "always"]

MEMORY_RETENTION_BYTES = 1 << 30
LEAST_SEGMENT_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class StoreOptions:
    """The settings of a `MessageStore`.

    Attributes:
        segment_bytes: how long a segment of the log gets; retention takes away whole segments.
        fsync: when data files are synced. ``never``: the operating system decides; what was acknowledged
            survives a crash of the process. ``interval``: every ``fsync_interval`` seconds; a power cut may
            take that much. ``always``: before a message is acknowledged and visible; a power cut takes
            nothing.
        fsync_interval: seconds between syncs for ``interval``.
        retention_bytes: how much of the log to keep; None keeps all on disk and 1 GiB in memory.
        retention_time: seconds to keep messages for; None for ever.
    """

    segment_bytes: int = 64 << 20
    fsync: FsyncPolicy = "interval"
    fsync_interval: float = 1.0
    retention_bytes: int | None = None
    retention_time: float | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if not LEAST_SEGMENT_BYTES <= self.segment_bytes <= 1 << 40:
            raise ConfigurationError(
                f"segment_bytes is {self.segment_bytes:,}, it must be {LEAST_SEGMENT_BYTES:,} or more",
                field="segment_bytes",
                advice="use 16 MiB to 1 GiB",
            )
        if self.fsync not in ("never", "interval", "always"):
            raise ConfigurationError(
                f"fsync is {self.fsync!r}, it must be never, interval or always",
                field="fsync",
                advice="interval is the usual choice",
            )
        for field in ("fsync_interval", "retention_bytes", "retention_time"):
            value = getattr(self, field)
            if value is not None and value <= 0:
                raise ConfigurationError(
                    f"{field} is {value!r}, it must be positive",
                    field=field,
                    advice="leave it out for the default",
                )
