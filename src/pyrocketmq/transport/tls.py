"""TLS settings, the SSLContext they make, and failed handshakes in plain words."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import ConfigurationError, TlsError

if TYPE_CHECKING:
    import os

__all__ = ["TlsConfig", "tls_error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """How a connection is encrypted and whom it trusts; the server is verified unless that is turned off.

    The files are read for each connection, so a renewed certificate is used without a restart.
    """

    ca_file: str | os.PathLike[str] | None = None
    """PEM file with the authorities that the server's certificate may come from; None: the system's."""
    cert_file: str | os.PathLike[str] | None = None
    """PEM file with the client's certificate and the chain above it, for servers that ask for one."""
    key_file: str | os.PathLike[str] | None = None
    """PEM file with the client's private key; None: it is in ``cert_file``."""
    key_password: str | None = field(default=None, repr=False)
    """Password of an encrypted key."""
    server_name: str | None = None
    """The name the certificate must be for; None: the host that is connected to."""
    verify: bool = True
    """False takes any certificate: traffic is encrypted, and anybody in between can read it. For tests."""
    handshake_timeout: float = 3.0
    """Seconds the handshake may take, within ``connect_timeout``."""
    context: ssl.SSLContext | None = None
    """A ready context, used as it is in place of the files and ``verify``."""

    def __post_init__(self) -> None:
        """Refuse contradictions and files that are not there."""
        if not 0 < self.handshake_timeout <= 3600:
            raise ConfigurationError(
                f"handshake_timeout is {self.handshake_timeout!r}, it must be > 0 and at most 3600 seconds",
                field="handshake_timeout",
                advice="leave it at 3.0",
            )
        files = {"ca_file": self.ca_file, "cert_file": self.cert_file, "key_file": self.key_file}
        for name, path in files.items():
            if path is None:
                continue
            if self.context is not None:
                raise ConfigurationError(
                    f"context and {name} are both given, a ready context is used as it is",
                    field=name,
                    advice="give one of the two",
                )
            if not Path(path).is_file():
                raise ConfigurationError(
                    f"{name} is {str(path)!r}, which is no file",
                    field=name,
                    advice="give the path of a PEM file",
                )
        if self.key_file is not None and self.cert_file is None:
            raise ConfigurationError(
                "key_file is given without cert_file",
                field="cert_file",
                advice="give the certificate that belongs to the key",
            )
        if self.key_password is not None and self.cert_file is None:
            raise ConfigurationError(
                "key_password is given without a key",
                field="key_password",
                advice="give cert_file and key_file, or leave the password out",
            )
        if self.ca_file is not None and not self.verify:
            raise ConfigurationError(
                "ca_file is given and verify is False, so the file would have no effect",
                field="verify",
                advice="leave verify at True",
            )
        if self.server_name is not None and not self.server_name:
            raise ConfigurationError(
                "server_name is empty", field="server_name", advice="leave it out to use the host's name"
            )

    def create_context(self) -> ssl.SSLContext:
        """The context of one connection.

        Raises:
            TlsError: a file holds no certificate or key, they do not match, or the password is wrong.
        """
        if self.context is not None:
            return self.context
        try:
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except ssl.SSLError as error:
            raise TlsError(
                f"ca_file {str(self.ca_file)!r} holds no certificate in PEM form",
                field="ca_file",
                advice="give a PEM file",
            ) from error
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file is not None:
            try:
                # An empty password, so that a missing one is an error and not a question on the terminal.
                context.load_cert_chain(self.cert_file, self.key_file, self.key_password or "")
            except (ssl.SSLError, OSError) as error:
                raise TlsError(
                    f"the client certificate {str(self.cert_file)!r} cannot be used: {reason_of(error)}",
                    field="cert_file",
                    likely="the key is for another certificate, the password is wrong, or a file is not PEM",
                    advice="check cert_file, key_file and key_password",
                ) from error
        return context


def reason_of(error: OSError) -> str:
    """What an error says, without the place in OpenSSL's sources."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ConnectionError) and error.strerror is None:
        return "the server closed the connection"  # asyncio raises it bare
    return (
        (getattr(error, "reason", None) or error.strerror or type(error).__name__).replace("_", " ").lower()
    )


# X509 verification results, by number in all OpenSSL releases.
_OUT_OF_DATE: Final = {9: "is not valid yet", 10: "has expired"}
_UNKNOWN_SIGNERS: Final = {2, 18, 19, 20, 21}
_WRONG_NAMES: Final = {62, 63, 64}
_NOT_TLS: Final = {
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "UNEXPECTED_EOF_WHILE_READING",
}


def tls_error(error: OSError, address: str, server_name: str) -> TlsError:
    """A failed handshake as an error that says what to change."""
    what = f"the TLS handshake with {address} failed: {reason_of(error)}"
    field = likely = None
    if isinstance(error, ssl.SSLCertVerificationError):
        number = error.verify_code
        advice = "check the server's certificate"
        if number in _OUT_OF_DATE:
            what = f"the certificate of {address} {_OUT_OF_DATE[number]}"
            likely = "it was not renewed, or a clock is wrong"
            advice = "renew the server's certificate, and compare the clocks of both machines"
        elif number in _WRONG_NAMES:
            what = f"the certificate of {address} is not for {server_name!r}: {error.verify_message}"
            field = "server_name"
            advice = "set server_name to a name in the certificate, or connect by that name"
        elif number in _UNKNOWN_SIGNERS:
            what = f"the certificate of {address} is signed by nobody trusted here: {error.verify_message}"
            field = "ca_file"
            likely = (
                "the server has an authority of its own, or the self-signed certificate it is shipped with"
            )
            advice = "set ca_file to the authority's certificate"
    elif not isinstance(error, ssl.SSLError) or error.reason in _NOT_TLS:
        likely = "the server does not speak TLS on this port"
        advice = "leave tls out of the TransportConfig, or turn TLS on in the server"
    elif "ALERT" in (error.reason or ""):
        likely = "the server wants a client certificate, or does not trust the one it got"
        advice = "check cert_file and key_file, and what the server trusts"
    else:
        advice = "compare the TLS settings of both sides"
    return TlsError(what, field=field, likely=likely, advice=advice, address=address)
