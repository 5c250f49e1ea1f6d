"""A remoting command as plain data, and the names of languages on the wire."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = (
    "JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP", "OMS",
    "RUST", "NODE_JS",
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """``opaque`` None means that the sender left it out, so the receiver gives it any number."""

    code: int
    language: int | None
    version: int
    opaque: int | None
    flag: int
    remark: str | None
    ext_fields: dict[str | None, str | None] | None
    body: bytes | None
