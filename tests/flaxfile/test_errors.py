"""Errors keep their class and what they say over the wire, and whatever a peer sends becomes one."""

from __future__ import annotations

import errno
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flaxfile import errors
from flaxfile.errors import (
    FlaxError,
    LimitError,
    MissingExtraError,
    NoSpaceError,
    NotFoundError,
    ProtocolError,
    StorageError,
    from_os_error,
    from_wire,
)
from tests.properties import FEWER_EXAMPLES

KINDS: list[type[FlaxError]] = [
    kind
    for kind in (getattr(errors, name) for name in errors.__all__)
    if isinstance(kind, type) and kind not in {FlaxError, MissingExtraError}
]


def test_every_code_from_1_to_12_has_one_class() -> None:
    assert sorted(kind.code for kind in KINDS) == list(range(1, 13))
    assert len({kind.name for kind in KINDS}) == 12


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_off_the_wire_as_it_was_raised(kind: type[FlaxError]) -> None:
    sent = kind("a/b.bin does not fit", hint="flaxfile list", retry_after=1.5)

    received = from_wire(sent.code, sent.to_wire())

    assert type(received) is kind
    assert str(received) == "a/b.bin does not fit"
    assert received.hint == "flaxfile list"
    assert received.retry_after == 1.5
    assert received.retryable == sent.retryable


@FEWER_EXAMPLES
@given(
    st.integers(0, 2**32 - 1),
    st.dictionaries(
        st.sampled_from(["message", "hint", "retry_after_ms", "retryable", "more"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
    ),
)
def test_whatever_a_peer_sends_becomes_an_error_with_a_text(code: int, payload: dict[str, object]) -> None:
    error = from_wire(code, payload)

    assert error.message
    assert error.retry_after is None or 0 <= error.retry_after <= 86_400
    assert error.code == code or isinstance(error, ProtocolError)


def test_errors_survive_pickling_with_all_they_say() -> None:
    copy = pickle.loads(pickle.dumps(LimitError("full", hint="later", retry_after=2, retryable=False)))

    assert (copy.message, copy.hint, copy.retry_after, copy.retryable) == ("full", "later", 2, False)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, NoSpaceError),
        (errno.ENOENT, NotFoundError),
        (errno.EACCES, StorageError),
        (errno.EROFS, StorageError),
        (errno.EIO, StorageError),
    ],
)
def test_what_the_system_refuses_says_what_was_being_done(number: int, kind: type[FlaxError]) -> None:
    error = from_os_error(OSError(number, "refused"), "writing a.bin")

    assert type(error) is kind
    assert "writing a.bin" in str(error)
    assert "refused" in str(error)
