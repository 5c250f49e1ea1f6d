"""Keeps keys, signatures and passwords out of the log, wherever in a line they stand.

Works on text alone: a name that promises a secret, then ``=`` or ``:``, then the value, in the forms that
Python, JSON, URLs and RocketMQ's own texts write.
"""

from __future__ import annotations

import logging
import re
from typing import Final

__all__ = ["MASK", "SecretFilter", "is_secret_name", "mask_secrets"]

MASK: Final = "***"

_NAME: Final = (
    r"(?:access[_\- ]?key(?:[_\- ]?id)?|secret(?:[_\- ]?key)?|security[_\- ]?token|signature"
    r"|passw(?:or)?d|passphrase|authorization|api[_\- ]?key|private[_\- ]?key|auth[_\- ]?token)"
)
_SECRET: Final = re.compile(
    rf"""(?P<name>{_NAME})
    (?P<close>\\?["']?) \s* (?P<sign>[=:]) \s*
    (?P<value>
        \\"(?:(?!\\").)*(?:\\"|$)              # JSON inside of JSON
      | b?"(?:[^"\\]|\\.)*\\?(?:"|$)
      | b?'(?:[^'\\]|\\.)*\\?(?:'|$)
      | (?:(?:Basic|Bearer)\s+)? [^\s,;&"'(){{}}\[\]\\]+
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_WHOLE_NAME: Final = re.compile(_NAME, re.IGNORECASE)
_QUOTED: Final = re.compile(r"""b?(?P<quote>\\?["'])""")


def mask_secrets(text: str) -> str:
    """The text with ``***`` for what stands behind the name of a key, secret, signature or password."""
    return _SECRET.sub(_masked, text)


def is_secret_name(name: str) -> bool:
    """True if a field of this name holds a secret."""
    return _WHOLE_NAME.search(name) is not None


def _masked(match: re.Match[str]) -> str:
    before = match[0][: match.start("value") - match.start()]
    quoted = _QUOTED.match(match["value"])
    return f"{before}{quoted['quote']}{MASK}{quoted['quote']}" if quoted else before + MASK


class SecretFilter(logging.Filter):
    """Masks secrets in the message of a record, for handlers with a formatter of their own.

    The arguments are merged into the message, so later handlers see the masked text too.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; every record passes."""
        text = record.getMessage()
        masked = mask_secrets(text)
        if masked != text:
            record.msg, record.args = masked, None
        if record.exc_info and not record.exc_text:
            # Formatters print the kept text of an exception, so it has to be made and masked here.
            record.exc_text = mask_secrets(logging.Formatter().formatException(record.exc_info))
        return True
