"""A bounded reader over bytes: each read checks what is left and names the field it was for."""

from __future__ import annotations

import struct

from .refusal import Kind, RefusedError


class Reader:
    def __init__(self, data: bytes, kind: Kind = "deserialization") -> None:
        self.data = data
        self.at = 0
        self.kind = kind

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int, field: str) -> bytes:
        if size < 0 or size > self.left:
            raise RefusedError(self.kind, field, f"wants {size} bytes, {self.left} are left")
        piece = self.data[self.at : self.at + size]
        self.at += size
        return piece

    def _number(self, layout: str, field: str) -> int:
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout), field))
        assert isinstance(value, int)
        return value

    def u8(self, field: str) -> int:
        return self._number(">B", field)

    def i16(self, field: str) -> int:
        return self._number(">h", field)

    def i32(self, field: str) -> int:
        return self._number(">i", field)

    def u32(self, field: str) -> int:
        return self._number(">I", field)

    def i64(self, field: str) -> int:
        return self._number(">q", field)
