from typing import Self

from typing_extensions import disjoint_base

__all__: list[str] = []

@disjoint_base
class RequestTaker:
    """Serves some requests of a peer without a command being built."""

    def __new__(cls, *args: object, **kwargs: object) -> Self: ...
