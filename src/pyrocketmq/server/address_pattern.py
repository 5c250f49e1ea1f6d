"""Patterns of addresses as access rules have them: ``192.168.0.*``, ``10.1.2.{3,4}``, ``10.1.0-5.*``.

Must not know what they are for.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AddressPattern"]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_ANY: Final = ("*", "*.*.*.*", "*:*:*:*:*:*:*:*")
_BRACES: Final = re.compile(r"(.*)\{([^{}]*)\}")


class AddressPattern:
    """Some addresses, by text.

    Nothing for none, ``*`` for all; else one or several with commas: an address, one whose last part is a
    choice in braces, one with ``*`` or ``a-b`` for parts, or a network such as ``10.0.0.0/8``.

    Raises:
        ConfigurationError: the text is none of these.
    """

    __slots__ = ("_any", "_tests", "text")

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self._any = self.text in _ANY
        self._tests: list[Callable[[Address], bool]] = []
        if self.text and not self._any:
            self._tests = [self._test(part.strip()) for part in _split(self.text)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AddressPattern) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"AddressPattern({self.text!r})"

    def matches(self, host: str) -> bool:
        """Whether an address is one of these; a text that is no address only matches ``*``."""
        if self._any or not self._tests:
            return self._any
        try:
            address = _address(host)
        except ValueError:
            return False
        return any(test(address) for test in self._tests)

    def _test(self, part: str) -> Callable[[Address], bool]:
        try:
            if "/" in part:
                network = ipaddress.ip_network(part)
                return lambda address: address in network
            if "*" not in part and "-" not in part:
                wanted = _address(part)
                return lambda address: address == wanted
            ranges = _ranges_6(part) if ":" in part else _ranges_4(part)
        except ValueError as error:
            raise ConfigurationError(
                f"the address pattern {shown(self.text)} has the part {part!r}, which is none: {error}",
                field="whiteRemoteAddress",
                advice="Write 192.168.0.*, 10.1.2.{3,4}, 10.1.0-5.*, a list with commas, or * for all.",
            ) from None
        return lambda address: _parts_in(address, ranges)


def _split(text: str) -> list[str]:
    match = _BRACES.fullmatch(text)
    if match is not None:
        return [match[1] + choice.strip() for choice in match[2].split(",")]
    return text.split(",")


def _address(text: str) -> Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _range(part: str, base: int, most: int) -> tuple[int, int]:
    if part == "*":
        return 0, most
    low, _, high = part.partition("-")
    start, end = int(low, base), int(high or low, base)
    if not 0 <= start <= end <= most:
        raise ValueError(f"{part} is no range of 0 to {most}")
    return start, end


def _ranges_4(text: str) -> list[tuple[int, int]]:
    parts = text.split(".")
    if len(parts) != 4:
        raise ValueError(f"it has {len(parts)} parts, wanted 4")
    return [_range(part, 10, 255) for part in parts]


def _ranges_6(text: str) -> list[tuple[int, int]]:
    head, gap, tail = text.partition("::")
    first, last = head.split(":") if head else [], tail.split(":") if tail else []
    parts = first + (["0"] * (8 - len(first) - len(last)) if gap else []) + last
    if not gap and parts[-1] == "*":
        parts += ["*"] * (8 - len(parts))  # fe80:* stands for everything below fe80
    if len(parts) != 8:
        raise ValueError(f"it has {len(parts)} parts, wanted 8")
    return [_range(part, 16, 0xFFFF) for part in parts]


def _parts_in(address: Address, ranges: list[tuple[int, int]]) -> bool:
    packed = address.packed
    width = len(packed) // len(ranges)
    if width != (1 if len(packed) == 4 else 2):
        return False  # of the other family
    parts = [int.from_bytes(packed[at : at + width]) for at in range(0, len(packed), width)]
    return all(low <= part <= high for part, (low, high) in zip(parts, ranges, strict=True))
