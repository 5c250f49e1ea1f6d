"""RemoteConfig: how long a call may take, how often it is tried, and how many may wait."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Self

__all__ = ["PRODUCTION_CONFIG", "RemoteConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteConfig:
    """Settings of calls. Durations are seconds."""

    timeout: float = 3.0
    """Seconds one call may take in all: connecting, waiting for room, tries, the answer."""
    max_retries: int = 2
    """How often a call is tried again when nothing of it was sent, within its time-out."""
    pool_size: int = 5
    """Connections of one pool at most."""
    max_waiters: int = 100_000
    """Calls of one remote that may wait for their answers; more are refused with MaxWaitersExceededError."""
    direct_lane: bool = False
    """Blocking calls use a socket of the calling thread, which halves their time."""
    spin: float = 0.0
    """How long a direct lane looks for its answer before it sleeps. It keeps a processor busy meanwhile."""
    max_lanes: int = 64
    """Direct lanes of one remote; threads beyond that share the connection of the engine."""
    lane_idle: float = 60.0
    """Seconds after which an unused lane is closed; a broker closes after 120."""

    def __post_init__(self) -> None:
        """Refuse every value that cannot work."""
        _check("timeout", self.timeout, (int, float), (0.001, 86_400), "seconds")
        _check("max_retries", self.max_retries, (int,), (0, 100), "tries after the first")
        _check("pool_size", self.pool_size, (int,), (1, 1024), "connections")
        _check("max_waiters", self.max_waiters, (int,), (1, 10_000_000), "requests")
        _check("spin", self.spin, (int, float), (0, 0.01), "seconds")
        _check("max_lanes", self.max_lanes, (int,), (1, 65_536), "connections")
        _check("lane_idle", self.lane_idle, (int, float), (0.01, 86_400), "seconds")

    def copy(
        self,
        timeout: float | None = None,
        max_retries: int | None = None,
        pool_size: int | None = None,
        max_waiters: int | None = None,
        *,
        direct_lane: bool | None = None,
        spin: float | None = None,
        max_lanes: int | None = None,
        lane_idle: float | None = None,
        **unknown: object,
    ) -> Self:
        """A copy with other values; what is left out, or None, stays as it is.

        Raises:
            ConfigurationError: a value is out of its range, or there is no such setting.
        """
        for name in unknown:
            known = ", ".join(item.name for item in fields(self))
            raise ConfigurationError(
                f"RemoteConfig has no field {name!r}", field=name, advice=f"known are {known}"
            )
        return replace(
            self,
            timeout=self.timeout if timeout is None else timeout,
            max_retries=self.max_retries if max_retries is None else max_retries,
            pool_size=self.pool_size if pool_size is None else pool_size,
            max_waiters=self.max_waiters if max_waiters is None else max_waiters,
            direct_lane=self.direct_lane if direct_lane is None else direct_lane,
            spin=self.spin if spin is None else spin,
            max_lanes=self.max_lanes if max_lanes is None else max_lanes,
            lane_idle=self.lane_idle if lane_idle is None else lane_idle,
        )


def _check(name: str, value: float, kinds: tuple[type, ...], bounds: tuple[float, float], unit: str) -> None:
    least, most = bounds
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        kind = "a number" if float in kinds else "a whole number"
        raise ConfigurationError(
            f"{name} is {value!r}, it must be {kind} from {least:g} to {most:,} {unit}",
            field=name,
            advice=f"leave {name} out to use its default, or correct it",
        )


PRODUCTION_CONFIG: Final = RemoteConfig()
"""The defaults, from which ``copy`` makes others."""
