"""SyncFace: what all blocking twins of asynchronous classes share. It decides nothing, it only forwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from pyrocketmq.remote.engine import engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from pyrocketmq.remote.engine import Engine

__all__ = ["SyncFace"]

P = ParamSpec("P")
T = TypeVar("T")


class SyncFace:
    """The blocking face of an asynchronous object that lives on the engine thread.

    May be used by any number of threads at once. A child made by fork gets a new object of its own on first
    use; the parent's goes on as if nothing had happened.

    Args:
        make: makes the asynchronous object; called now, and once in every child that uses this one.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._kept: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._begin(engine())

    @classmethod
    def over(cls, made: object) -> Self:
        """The face of an asynchronous object that exists already and lives on the engine thread."""
        face = cls.__new__(cls)
        SyncFace.__init__(face, lambda: made)
        return face

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._object!r}>"

    def __enter__(self) -> Self:
        self._current().call(self._object.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._current().call(self._object.__aexit__, kind, error, trace)

    @property
    def _async(self) -> Any:
        """The asynchronous object of this process."""
        self._current()
        return self._object

    def _current(self) -> Engine:
        """The engine that the asynchronous object lives on: another one after a fork, with another object."""
        current = engine()
        if current is not self._engine:
            self._begin(current)
            for name, args, kwargs in self._kept:
                current.run(getattr(self._object, name), *args, **kwargs)
        return current

    def _begin(self, current: Engine) -> None:
        self._object = self._make()
        self._engine = current
        current.close_at_exit(self._object)

    # The function given to these says which method it is, and shows type checkers what it takes.

    def _call(
        self, method: Callable[Concatenate[Any, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Forward to an asynchronous method and wait for it."""
        current = self._current()
        result: T = current.call_with(getattr(self._object, method.__name__), args, kwargs)
        return result

    def _run(self, method: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Forward to a plain method, which may need the thread of its event loop."""
        current = self._current()
        result: T = current.run(getattr(self._object, method.__name__), *args, **kwargs)
        return result

    def _keep(self, method: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As ``_run``, for what an object made after a fork has to be told too."""
        result = self._run(method, *args, **kwargs)
        self._kept.append((method.__name__, args, kwargs))
        return result
