"""MessageExt, a message as it was stored, and reading the messages of an answer."""

from __future__ import annotations

from pyrocketmq._native.stored import MessageExt, decode_messages, decode_messages_strict, encode_message

__all__ = ["MessageExt", "decode_messages", "decode_messages_strict", "encode_message"]
