from typing import Self

from typing_extensions import disjoint_base

__all__: list[str] = []

@disjoint_base
class RequestTaker:
    """Serves some requests of a peer without a command being built."""

    def __new__(cls, *args: object, **kwargs: object) -> Self: ...

@disjoint_base
class SendOwner:
    """Waits for the answer to a send in place of a future, and decides what becomes of it."""

    def __new__(cls, *args: object, **kwargs: object) -> Self: ...
    def done(self) -> bool:
        """True when nobody waits any more."""
    def dropped(self) -> None:
        """Nobody waits any more, and no answer will be looked at."""
