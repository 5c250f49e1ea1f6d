"""Codes and flags: the numbers of the wire and what they stand for."""

from __future__ import annotations

import itertools

from pyrocketmq.model.enums import (
    BoundaryType,
    CompressionType,
    FlagType,
    LanguageCode,
    RequestCode,
    ResponseCode,
)
from pyrocketmq.model.flags import CommandFlag, MessageSysFlag, Perm, PullSysFlag, build_pull_sys_flag
from pyrocketmq.model.headers import HEADERS


def test_all_request_codes_are_named_once() -> None:
    assert len(RequestCode) == len(RequestCode.__members__) == 173
    assert RequestCode(310) is RequestCode.SEND_MESSAGE_V2
    assert RequestCode(200050) is RequestCode.POP_MESSAGE
    assert RequestCode(50) is RequestCode.UPDATE_AND_CREATE_ACL_CONFIG


def test_every_header_code_is_a_request_code() -> None:
    codes = [cls.CODE for cls in HEADERS.values() if cls.CODE is not None]

    assert all(isinstance(code, RequestCode) for code in codes)
    assert len(codes) == len(set(codes))


def test_response_codes_include_the_negative_ones() -> None:
    assert len(ResponseCode) == len(ResponseCode.__members__)
    assert ResponseCode(-1006) is ResponseCode.RPC_TIME_OUT
    assert ResponseCode(1500) is ResponseCode.GO_AWAY
    assert [code.value for code in ResponseCode if 2000 <= code < 3000] == list(range(2000, 2019))


def test_languages_are_numbered_without_gaps() -> None:
    assert [language.value for language in LanguageCode] == list(range(14))
    assert LanguageCode.PYTHON.value == 3


def test_flag_types_keep_their_founding_numbers_and_the_wire_has_its_own() -> None:
    assert (FlagType.RPC_TYPE, FlagType.RPC_ONEWAY, FlagType.RESPONSE_TYPE) == (0, 1, 1)
    assert FlagType["RESPONSE_TYPE"] is FlagType["RPC_ONEWAY"]
    assert [(flag.name, flag.value) for flag in CommandFlag] == [("RESPONSE", 1), ("ONEWAY", 2)]


def test_pull_flags_are_the_sum_of_their_bits() -> None:
    names = ("commit_offset", "suspend", "subscription", "class_filter", "lite_pull")
    for chosen in itertools.product((False, True), repeat=len(names)):
        flag = build_pull_sys_flag(**dict(zip(names, chosen, strict=True)))
        assert flag == sum(1 << bit for bit, on in enumerate(chosen) if on)

    assert build_pull_sys_flag(commit_offset=True, suspend=True) == (
        PullSysFlag.COMMIT_OFFSET | PullSysFlag.SUSPEND
    )


def test_the_compression_type_lies_in_three_bits_of_the_system_flag() -> None:
    for kind in CompressionType:
        flag = MessageSysFlag.COMPRESSED | MessageSysFlag(kind << 8)
        assert (flag & MessageSysFlag.COMPRESSION_TYPE_MASK) >> 8 == kind
        assert flag & MessageSysFlag.COMPRESSED

    assert MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_ZLIB == 0x301


def test_a_rollback_has_both_transaction_bits() -> None:
    rollback = MessageSysFlag.TRANSACTION_PREPARED | MessageSysFlag.TRANSACTION_COMMIT
    assert rollback == MessageSysFlag.TRANSACTION_ROLLBACK
    assert rollback.value == 0xC


def test_read_and_write_is_six() -> None:
    assert Perm.READ | Perm.WRITE == 6


def test_boundaries_are_equal_to_the_text_of_the_wire() -> None:
    assert (BoundaryType.LOWER, BoundaryType.UPPER) == ("LOWER", "UPPER")
