"""Setting up the log, taking it back, its two formats, and what is kept out of it."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

import pyrocketmq.logging as package
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.logging import LoggerFactory, LoggingConfig, RepeatedFaults, SecretFilter, mask_secrets
from pyrocketmq.logging.masking import MASK

LOGGER = logging.getLogger("pyrocketmq")


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = (LOGGER.level, LOGGER.propagate, handlers())
    yield
    LoggerFactory.reset()
    assert (LOGGER.level, LOGGER.propagate, handlers()) == before


def handlers() -> list[logging.Handler]:
    # pytest puts its own there while a logger does not propagate.
    return [handler for handler in LOGGER.handlers if type(handler).__module__ != "_pytest.logging"]


def fail(text: str) -> NoReturn:
    raise ValueError(text)


def set_up(**settings: object) -> io.StringIO:
    stream = io.StringIO()
    LoggerFactory.setup_default_config(LoggingConfig("DEBUG", stream=stream).replace(**settings))
    return stream


def test_the_library_is_silent_until_a_program_sets_up_logging() -> None:
    program = "import logging, pyrocketmq; logging.getLogger('pyrocketmq.client').error('not seen')"

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert (ran.stdout, ran.stderr) == (b"", b"")


def test_the_package_does_not_hide_the_standard_library() -> None:
    assert package is not logging
    assert package.__name__ == "pyrocketmq.logging"
    assert logging.getLogger("pyrocketmq") is LoggerFactory.get_logger()


def test_lines_have_time_level_logger_and_text() -> None:
    stream = set_up()

    logging.getLogger("pyrocketmq.client").warning("no route for %s", "shop")

    time, rest = stream.getvalue().split(" ", 1)
    assert rest == "WARNING pyrocketmq.client: no route for shop\n"
    assert time[10] == "T"
    assert time[-5] == "."
    assert time[-1] == "Z"


def test_records_below_the_level_are_left_out() -> None:
    stream = set_up(level="error")

    LOGGER.warning("left out")
    LOGGER.error("written")

    assert stream.getvalue().endswith("ERROR pyrocketmq: written\n")
    assert "left out" not in stream.getvalue()


def test_set_up_twice_writes_each_line_once() -> None:
    stream = io.StringIO()
    for _ in range(3):
        LoggerFactory.setup_default_config(LoggingConfig(stream=stream))

    LOGGER.info("once")

    assert stream.getvalue().count("once") == 1


def test_another_set_up_replaces_the_first() -> None:
    first, second = set_up(), set_up(level="WARNING")

    LOGGER.warning("where?")

    assert first.getvalue() == ""
    assert "where?" in second.getvalue()


def test_handlers_of_the_program_are_left_alone() -> None:
    theirs = logging.NullHandler()
    LOGGER.addHandler(theirs)
    try:
        set_up()
        LoggerFactory.reset()
        assert theirs in handlers()
    finally:
        LOGGER.removeHandler(theirs)


def test_reset_restores_level_and_propagation_and_may_be_repeated() -> None:
    set_up(propagate=False)
    assert LoggerFactory.current_config() is not None
    assert not LOGGER.propagate

    LoggerFactory.reset()
    LoggerFactory.reset()

    assert LoggerFactory.current_config() is None
    assert LOGGER.propagate


def test_no_config_is_the_default_one(capsys: pytest.CaptureFixture[str]) -> None:
    LoggerFactory.setup_default_config()
    LOGGER.debug("not this")
    LOGGER.info("this")

    assert capsys.readouterr().err.endswith("INFO pyrocketmq: this\n")


def test_something_else_than_a_config_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is a dict, not a LoggingConfig"):
        LoggerFactory.setup_default_config({"level": "INFO"})


def test_a_file_is_written_and_rotated_only_when_asked_for(tmp_path: Path) -> None:
    set_up(stream=None, file=tmp_path / "mq.log", file_max_bytes=200, file_backups=2)

    for number in range(20):
        LOGGER.info("line %d", number)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["mq.log", "mq.log.1", "mq.log.2"]


def test_a_file_that_cannot_be_opened_keeps_the_set_up_from_before(tmp_path: Path) -> None:
    stream = set_up()

    with pytest.raises(ConfigurationError, match="no-folder") as caught:
        LoggerFactory.setup_default_config(LoggingConfig(file=tmp_path / "no-folder" / "mq.log"))

    LOGGER.info("still here")
    assert caught.value.field == "file"
    assert "still here" in stream.getvalue()


def test_json_lines_hold_extra_fields_and_exceptions() -> None:
    stream = set_up(format="json")
    try:
        fail("secretKey=hush")
    except ValueError:
        extra = {"topic": "shop", "queue": 3, "huge": 1 << 70, "secret_key": "hush", "up": True, "none": None}
        LOGGER.exception("two\nlines \udc80", extra=extra)

    (line,) = stream.getvalue().splitlines()
    fields = json.loads(line)
    assert list(fields)[:4] == ["time", "level", "logger", "message"]
    assert fields["message"] == "two\nlines \\udc80"
    assert (fields["topic"], fields["queue"], fields["up"], fields["none"]) == ("shop", 3, True, None)
    assert fields["huge"] == str(1 << 70)
    assert fields["secret_key"] == MASK
    assert "ValueError: secretKey=***" in fields["exception"]
    assert "hush" not in line


def test_json_lines_hold_the_stack_that_was_asked_for() -> None:
    stream = set_up(format="json")

    LOGGER.info("here", stack_info=True)

    assert "test_json_lines_hold_the_stack" in json.loads(stream.getvalue())["stack"]


def test_text_lines_are_masked_with_their_traceback() -> None:
    stream = set_up()
    try:
        fail("password=hush")
    except ValueError:
        LOGGER.exception("signature=hush")

    assert stream.getvalue().count("***") == 3  # the source line of the traceback has one too
    assert "hush" not in stream.getvalue()


def test_get_logger_puts_other_names_below_the_package() -> None:
    assert LoggerFactory.get_logger("orders").name == "pyrocketmq.orders"
    assert LoggerFactory.get_logger("pyrocketmq.client").name == "pyrocketmq.client"
    assert LoggerFactory.get_logger("pyrocketmq2").name == "pyrocketmq.pyrocketmq2"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("AccessKey=abc, x=1", "AccessKey=***, x=1"),
        ("access_key='it''s' b", "access_key='***''s' b"),
        (r'{"Signature":"a=b\"c","k":1}', '{"Signature":"***","k":1}'),
        (r'"{\"accessKey\":\"zz\",\"b\":1}"', r'"{\"accessKey\":\"***\",\"b\":1}"'),
        ("{'SecurityToken': 'x', 'n': 1}", "{'SecurityToken': '***', 'n': 1}"),
        ("secret_key=b'xx' y", "secret_key='***' y"),
        ("password: hunter2", "password: ***"),
        ("PASSWD=a;b", "PASSWD=***;b"),
        ("Authorization: Bearer abc.def ok", "Authorization: *** ok"),
        ("?signature=abc==&x=y", "?signature=***&x=y"),
        ('password="cut off', 'password="***"'),
        ('password="cut off \\', 'password="***"'),
        ("the access key of app-1 was refused", "the access key of app-1 was refused"),
        ("no secrets here", "no secrets here"),
    ],
)
def test_secrets_are_masked_in_the_forms_that_texts_take(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked


def test_the_filter_masks_for_formatters_of_others() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(SecretFilter())
    LOGGER.addHandler(handler)
    try:
        try:
            fail("secretKey=hush")
        except ValueError:
            LOGGER.warning("signing with %s", {"accessKey": "hush"}, exc_info=True)
        LOGGER.warning("plain %s", "text")
    finally:
        LOGGER.removeHandler(handler)

    assert "signing with {'accessKey': '***'}" in stream.getvalue()
    assert stream.getvalue().endswith("plain text\n")
    assert "hush" not in stream.getvalue()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"level": "LOUD"}, "level"),
        ({"level": 0}, "level"),
        ({"level": 51}, "level"),
        ({"level": True}, "level"),
        ({"format": "xml"}, "format"),
        ({"file": ""}, "file"),
        ({"file": "a.log", "stream": sys.stderr}, "file"),
        ({"stream": 3}, "stream"),
        ({"file_max_bytes": -1}, "file_max_bytes"),
        ({"file_max_bytes": 1.5}, "file_max_bytes"),
        ({"file_backups": 1001}, "file_backups"),
        ({"file_backups": 0}, "file_backups"),
    ],
)
def test_a_config_that_cannot_be_used_is_refused_and_names_the_field(
    settings: dict[str, object], field: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LoggingConfig(**settings)

    assert caught.value.field == field
    assert caught.value.advice


def test_levels_are_names_in_any_case_or_numbers() -> None:
    assert LoggingConfig("warning").level == "WARNING"
    assert LoggingConfig("warning").level_number == 30
    assert LoggingConfig(15).level_number == 15
    assert LoggingConfig().level_number == 20


def test_a_copy_is_checked_and_unknown_names_are_refused() -> None:
    assert LoggingConfig().replace(level="debug").level == "DEBUG"
    with pytest.raises(ConfigurationError, match="'colour' is no setting"):
        LoggingConfig().replace(colour=True)


def test_the_environment_gives_the_settings_that_are_set() -> None:
    environ = {
        "PYROCKETMQ_LOG_LEVEL": "15",
        "PYROCKETMQ_LOG_FORMAT": "JSON",
        "PYROCKETMQ_LOG_FILE": "mq.log",
        "PYROCKETMQ_LOG_FILE_MAX_BYTES": "1000",
        "PYROCKETMQ_LOG_FILE_BACKUPS": " ",
    }

    config = LoggingConfig.from_env(environ=environ)

    assert config == LoggingConfig(15, format="json", file="mq.log", file_max_bytes=1000)
    assert LoggingConfig.from_env(environ={}) == LoggingConfig()
    assert LoggingConfig.from_env("MQ_", {"MQ_LEVEL": "debug"}).level == "DEBUG"


def test_a_number_of_the_environment_that_is_none_is_refused_by_its_name() -> None:
    with pytest.raises(ConfigurationError, match=r"PYROCKETMQ_LOG_FILE_MAX_BYTES is '10 MB'"):
        LoggingConfig.from_env(environ={"PYROCKETMQ_LOG_FILE_MAX_BYTES": "10 MB"})


class Repeating:
    """RepeatedFaults with a clock that the test moves."""

    def __init__(self, caplog: pytest.LogCaptureFixture, **settings: int) -> None:
        caplog.set_level(logging.DEBUG, "pyrocketmq")
        self.now = 100.0
        self.faults = RepeatedFaults(LOGGER, clock=lambda: self.now, **settings)
        self._caplog = caplog

    def lines(self) -> list[str]:
        return [record.getMessage() for record in self._caplog.records]


def test_a_repeated_fault_is_one_line_in_ten_seconds_and_the_rest_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    repeating = Repeating(caplog)
    for _ in range(100):
        repeating.faults.warning("b-1", "no connection to %s", "b-1")
        repeating.now += 0.25

    assert repeating.lines() == [
        "no connection to b-1",
        "no connection to b-1 (39 more like this in the last 10.0 s)",
        "no connection to b-1 (39 more like this in the last 10.0 s)",
    ]
    assert repeating.faults.withheld("b-1") == 19


def test_a_fault_that_goes_on_is_told_less_and_less_often_until_it_eases(
    caplog: pytest.LogCaptureFixture,
) -> None:
    repeating = Repeating(caplog, longest=60)
    told: list[float] = []
    for second in range(300):
        if repeating.faults.warning("b-1", "lost"):
            told.append(second)
        repeating.now += 1
    assert [0, 10, 30, 70, 130, 190, 250] == told

    repeating.faults.eased("b-1")
    repeating.faults.eased("b-2")
    told.clear()
    for second in range(300, 340):
        if repeating.faults.warning("b-1", "lost"):
            told.append(second)
        repeating.now += 1
    assert [300, 310, 330] == told


def test_keys_are_counted_apart(caplog: pytest.LogCaptureFixture) -> None:
    repeating = Repeating(caplog)

    assert repeating.faults.warning("b-1", "first")
    assert repeating.faults.error("b-2", "second")
    assert not repeating.faults.error("b-1", "third")

    assert repeating.lines() == ["first", "second"]
    assert repeating.faults.withheld("b-3") == 0


def test_the_end_of_a_fault_tells_what_was_withheld_and_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    repeating = Repeating(caplog)
    repeating.faults.warning("b-1", "lost")
    repeating.faults.warning("b-1", "lost")

    assert repeating.faults.over("b-1", "connected to %s again", "b-1")
    assert not repeating.faults.over("b-1", "connected to %s again", "b-1")
    assert repeating.faults.warning("b-1", "lost")
    assert repeating.faults.over("b-1", "back")

    assert repeating.lines() == [
        "lost",
        "connected to b-1 again (1 more faults were not logged)",
        "lost",
        "back",
    ]


def test_the_key_that_was_quiet_for_longest_is_forgotten_first(caplog: pytest.LogCaptureFixture) -> None:
    repeating = Repeating(caplog, max_keys=2)
    for key in ("a", "b", "a", "c", "a", "b"):
        repeating.faults.warning(key, key)

    assert repeating.lines() == ["a", "b", "c", "b"]


def test_a_limiter_without_a_limit_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="interval is 0"):
        RepeatedFaults(LOGGER, interval=0)
    with pytest.raises(ConfigurationError, match="max_keys is 0"):
        RepeatedFaults(LOGGER, max_keys=0)
