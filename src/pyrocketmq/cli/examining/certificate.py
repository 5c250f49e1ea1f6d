"""Reads who, for what and until when from an X.509 certificate in DER form, trusted or not.

``ssl`` takes a certificate apart only when it trusts it, and a doctor looks at the others most of all.
Does no I/O, checks no signature.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CertificateFacts", "read_certificate"]

_COMMON_NAME: Final = bytes.fromhex("550403")
_ORGANIZATION: Final = bytes.fromhex("55040a")
_ALTERNATIVE_NAMES: Final = bytes.fromhex("551d11")

_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_OBJECT_ID: Final = 0x06
_UTC_TIME: Final = 0x17
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_DNS_NAME: Final = 0x82
_ADDRESS: Final = 0x87


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says.

    Args:
        subject: its common name, else its organization.
        issuer: the same of who signed it.
        names: the host names and addresses it is for.
        not_before: the first moment it is good.
        not_after: the last.
        self_signed: it was signed by itself.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime
    self_signed: bool

    def days_left(self, now: dt.datetime) -> int:
        """Whole days until it expires; negative afterwards."""
        return (self.not_after - now).days


def read_certificate(der: bytes) -> CertificateFacts | None:
    """The facts of a certificate; None if the bytes are none."""
    try:
        return _read(der)
    except (IndexError, ValueError, StopIteration):
        return None


def _read(der: bytes) -> CertificateFacts:
    _, certificate = next(_items(der))
    _, body = next(_items(certificate))
    parts = list(_items(body))
    if parts[0][0] == _VERSION:
        parts = parts[1:]
    # serial, algorithm, issuer, validity, subject, key, and further on the extensions
    issuer, validity, subject = parts[2][1], parts[3][1], parts[4][1]
    begin, end = (_time(tag, value) for tag, value in _items(validity))
    names: tuple[str, ...] = ()
    for tag, value in parts[6:]:
        if tag == _EXTENSIONS:
            names = _alternative_names(value)
    return CertificateFacts(_name(subject), _name(issuer), names, begin, end, subject == issuer)


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag and content of each element in a row."""
    place = 0
    while place < len(data):
        tag, size = data[place], data[place + 1]
        place += 2
        if size >= 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[place : place + count], "big")
            place += count
        if place + size > len(data):
            raise ValueError("cut short")
        yield tag, data[place : place + size]
        place += size


def _name(name: bytes) -> str:
    found: dict[bytes, str] = {}
    for tag, relative in _items(name):
        if tag != _SET:
            continue
        for _, pair in _items(relative):
            (kind, key), (_, value) = list(_items(pair))[:2]
            if kind == _OBJECT_ID:
                found[key] = value.decode("utf-8", "replace")
    return found.get(_COMMON_NAME) or found.get(_ORGANIZATION) or "(no name)"


def _time(tag: int, value: bytes) -> dt.datetime:
    text = value.decode("ascii")
    if tag == _UTC_TIME:  # two digits for the year, 50 and above are of the last century
        text = ("19" if text[:2] >= "50" else "20") + text
    return dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)


def _alternative_names(extensions: bytes) -> tuple[str, ...]:
    names: list[str] = []
    _, listed = next(_items(extensions))
    for _, extension in _items(listed):
        parts = list(_items(extension))
        if parts[0][1] != _ALTERNATIVE_NAMES:
            continue
        tag, content = next(_items(parts[-1][1]))
        if tag != _SEQUENCE:
            continue
        for kind, value in _items(content):
            if kind == _DNS_NAME:
                names.append(value.decode("ascii", "replace"))
            elif kind == _ADDRESS:
                names.append(str(ipaddress.ip_address(value)))
    return tuple(names)
