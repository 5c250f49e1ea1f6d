"""Settings as text: lines of name and value."""

from __future__ import annotations

import pytest

from pyrocketmq.errors import SerializationError
from pyrocketmq.model.properties_text import decode_properties_text, encode_properties_text


def test_only_the_first_equals_sign_of_a_line_separates() -> None:
    assert {"a": "b=c", "d": ""} == decode_properties_text(b"a=b=c\r\n d = \n\n=x\nno setting")


def test_what_is_written_is_read_back() -> None:
    settings = {"name": "value", "url": "http://a?b=c", "empty": ""}

    assert settings == decode_properties_text(encode_properties_text(settings))


def test_a_line_break_would_begin_another_setting_and_is_refused() -> None:
    with pytest.raises(SerializationError, match="line break"):
        encode_properties_text({"a": "1\nb=2"})
