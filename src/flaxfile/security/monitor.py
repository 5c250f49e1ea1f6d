"""Says at once why a connection does not come to be, from what the socket monitor of libzmq reports.

A client that waits for an answer alone cannot tell a wrong password from a dead network. Nothing here sends.
"""

from __future__ import annotations

from typing import Final

from flaxfile import libzmq
from flaxfile.errors import AuthError, ConnectError, FlaxError, ProtocolError

__all__ = ["HandshakeJudge"]

MECHANISM_MISMATCH: Final = 0x11000002
CLOSED_IN_HANDSHAKE_LIMIT: Final = 2
"""A server may go down in a handshake once; twice in a row it does not know us."""
NONE_GIVEN: Final = "set FLAXFILE_PASSWORD, or give --password-file or --identity"


class HandshakeJudge:
    """Turns the reports about one connection into a verdict.

    Args:
        address: where the connection goes, for the texts.
        encrypted: whether we ask for CURVE.
    """

    def __init__(self, address: str, *, encrypted: bool) -> None:
        self._address = address
        self._encrypted = encrypted
        self._closed_in_handshake = 0
        self._reached = False
        self._refused = False

    @property
    def nobody_listens(self) -> bool:
        """Whether connections were refused, and none was ever taken."""
        return self._refused and not self._reached

    def hear(self, event: int, value: int) -> bool:
        """Whether the connection is there now; raises when it will never be."""
        if event == libzmq.HANDSHAKE_SUCCEEDED:
            return True
        if event == libzmq.CONNECTED:
            self._reached = True
        elif event == libzmq.CLOSED:
            self._refused = True
        elif event == libzmq.HANDSHAKE_FAILED_AUTH:
            raise AuthError(
                f"{self._address} does not let this key in",
                hint="its owner adds the public key of your client.key to authorized_clients",
            )
        elif event == libzmq.HANDSHAKE_FAILED_PROTOCOL:
            raise self._mismatch(value)
        elif event == libzmq.HANDSHAKE_FAILED_NO_DETAIL:
            self._closed_in_handshake += 1
            if self._encrypted and self._closed_in_handshake >= CLOSED_IN_HANDSHAKE_LIMIT:
                raise AuthError(
                    f"{self._address} has another password or key than the one given, or takes plain "
                    "connections only",
                    hint="check FLAXFILE_PASSWORD, or the realm and identity of this server in flaxfile.toml",
                )
            if self._closed_in_handshake >= 2 * CLOSED_IN_HANDSHAKE_LIMIT:
                # Who hangs up first decides which of the two reports a mismatch becomes.
                raise AuthError(
                    f"{self._address} hangs up in the handshake: it wants a password or a key, and none was "
                    "given, or it is no FlaxFile server",
                    hint=NONE_GIVEN,
                )
        return False

    def _mismatch(self, value: int) -> FlaxError:
        if value != MECHANISM_MISMATCH:
            return ProtocolError(
                f"what answers at {self._address} breaks the handshake of ZeroMQ ({value:#x})",
                hint="is it a FlaxFile server?",
            )
        if self._encrypted:
            return AuthError(
                f"{self._address} takes plain connections only, and a password or key was given",
                hint="start the server with a password, or unset FLAXFILE_PASSWORD for a plain connection",
            )
        return AuthError(
            f"{self._address} wants a password or a key, and none was given",
            hint=NONE_GIVEN,
        )

    def late(self, timeout: float) -> ConnectError:
        """What to say when the time is over."""
        if self._reached:
            what = "was reached, but the handshake did not come to an end"
            hint = "is it a FlaxFile server, and not too busy?"
        elif self._refused:
            what = "takes no connections: nobody listens there"
            hint = "start one with: flaxfile serve, or name another with --server HOST:PORT"
        else:
            what = "does not answer"
            hint = "check its name and port, and that no firewall is in between"
        return ConnectError(f"{self._address} {what} (waited {timeout:g} s)", hint=hint)
