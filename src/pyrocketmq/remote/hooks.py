"""What may look at requests and answers of a remote, and add fields to requests before they are signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand

__all__ = ["HeaderFields", "RpcHook"]


class RpcHook:
    """Called around every request of a remote, on its event loop; must not block.

    Derive from it and override what is needed. Hooks are called in their order before a request, and in
    the same order after its answer.
    """

    def before_request(self, address: str, request: RemotingCommand) -> None:
        """Look at a request, or change it, before it is signed and sent; an exception refuses the request."""

    def after_response(
        self,
        address: str,
        request: RemotingCommand,
        response: RemotingCommand | None,
        error: BaseException | None,
    ) -> None:
        """Look at the answer of a request, or at why there is none; an exception is only logged.

        A one-way request has neither.
        """


class HeaderFields(RpcHook):
    """Adds the same header fields to every request; plain sends have them without being looked at.

    Args:
        fields: their names, which have to come after "n", and values.
    """

    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = dict(fields)

    def before_request(self, address: str, request: RemotingCommand) -> None:  # noqa: ARG002 - as hooks are
        """Add the fields."""
        request.ext_fields = {**(request.ext_fields or {}), **self.fields}
