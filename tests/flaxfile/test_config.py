"""Where settings come from, which one wins, and what is said about those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from flaxfile.config import (
    Config,
    Target,
    load,
    password_from,
    resolve,
)
from flaxfile.errors import NotFoundError, UsageError
from flaxfile.values import parse_address, parse_duration, parse_size

SEED_FILE = """
[client]
default_server = "prod"
[server]
host = "0.0.0.0"
port = 25555
storage_dir = "./zmq_streaming_storage"
[servers.local]
host = "127.0.0.1"
port = 25555
[servers.prod]
host = "files.example"
port = 4000
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a working folder without any configuration."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("home")
def test_without_a_file_a_client_talks_to_this_machine() -> None:
    assert resolve(load(environment={}), None, {}) == Target("local", "127.0.0.1", 25555)


def test_a_file_of_the_seed_loads_as_it_is(home: Path) -> None:
    (home / "flaxfile.toml").write_text(SEED_FILE)

    config = load(environment={})

    assert resolve(config, None, {}).address == "files.example:4000"
    assert resolve(config, "local", {}).address == "127.0.0.1:25555"
    assert (config.server.host, config.server.storage_dir) == ("0.0.0.0", "./zmq_streaming_storage")  # noqa: S104 - what the file says


def test_the_first_file_found_counts_alone(home: Path) -> None:
    places = [
        home / "named.toml",
        home / "work" / "flaxfile.toml",
        home / "flaxfile.toml",
        home / ".config" / "flaxfile" / "flaxfile.toml",
    ]
    places[-1].parent.mkdir(parents=True)
    for number, place in enumerate(places):
        place.write_text(f"[client]\nretries = {number}\n")

    for number, place in enumerate(places):
        environment = {"FLAXFILE_CONFIG": str(place)} if number == 0 else {}
        assert load(environment=environment).client.retries == number
        place.unlink()
    assert load(environment={}).client.retries == 5


def test_the_environment_comes_before_the_file(home: Path) -> None:
    (home / "flaxfile.toml").write_text("[client]\nconnect_timeout = 3\nidle_timeout = 4\nretries = 1\n")
    environment = {
        "FLAXFILE_CONNECT_TIMEOUT": "7.5",
        "FLAXFILE_TRANSFER_TIMEOUT": "8",
        "FLAXFILE_MAX_RETRIES": "9",
        "FLAXFILE_WINDOW": "16MiB",
    }

    client = load(environment=environment).client

    assert (client.connect_timeout, client.idle_timeout, client.retries) == (7.5, 8, 9)
    assert client.window == 16 << 20


@pytest.mark.parametrize(
    ("text", "named", "hint"),
    [
        ("[client]\nretrys = 3", "[client] retrys", "retries"),
        ("[clients]\nretries = 3", "[clients]", "client"),
        ("[servers.a]\nhots = 'x'", "[servers.a] hots", "host"),
        ("[server]\nport = 70000", "[server] port", "65535"),
        ("[server]\nmemory = 'much'", "[server] memory", "MiB"),
        ("[server]\ndurability = 'always'", "[server] durability", "fsync"),
        ("client = 3", "client", "[client]"),
        ("[client]\nconnect_timeout = 0", "connect_timeout", "more than 0"),
        ("[client]\nretries = true", "retries", "whole number"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_file_and_table(
    home: Path, text: str, named: str, hint: str
) -> None:
    path = home / "flaxfile.toml"
    path.write_text(text)

    with pytest.raises(UsageError) as caught:
        load(environment={})

    assert str(path) in str(caught.value)
    assert named in str(caught.value)
    assert hint in str(caught.value.hint)


def test_a_file_that_is_no_toml_or_is_missing_is_named(home: Path) -> None:
    (home / "flaxfile.toml").write_text("[client\n")
    with pytest.raises(UsageError, match=r"flaxfile\.toml is not TOML.*line 1"):
        load(environment={})
    with pytest.raises(UsageError, match=r"nowhere\.toml cannot be read"):
        load(home / "nowhere.toml", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", ("host", 25555)),
        ("host:1", ("host", 1)),
        ("10.0.0.1:65535", ("10.0.0.1", 65535)),
        ("[::1]:70", ("::1", 70)),
        ("[fe80::1]", ("fe80::1", 25555)),
        ("::1", ("::1", 25555)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["", "host:", "host:x", "a b", "host:70000", "a/b", "[::1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text)


def test_an_address_that_the_file_knows_brings_its_pin(home: Path) -> None:
    (home / "flaxfile.toml").write_text("[servers.a]\nhost = 'h'\nport = 9\nfingerprint = 'ff2:x'\n")

    assert resolve(load(environment={}), "h:9", {}).fingerprint == "ff2:x"


def test_flags_come_before_the_environment_and_the_environment_before_the_file() -> None:
    config = Config()

    assert resolve(config, "one:1", {"FLAXFILE_SERVER": "two:2"}).port == 1
    assert resolve(config, None, {"FLAXFILE_SERVER": "two:2"}).port == 2


def test_a_default_server_that_is_not_there_is_an_error(home: Path) -> None:
    (home / "flaxfile.toml").write_text("[client]\ndefault_server = 'gone'\n")

    with pytest.raises(UsageError, match="'gone'"):
        resolve(load(environment={}), None, {})


@pytest.mark.parametrize(
    ("text", "size"),
    [("32MiB", 32 << 20), ("1.5GB", 1_500_000_000), ("500k", 500_000), (7, 7), ("1 TiB", 1 << 40)],
)
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(("text", "seconds"), [("24h", 86400), ("500ms", 0.5), (2.5, 2.5), ("2d", 172800)])
def test_durations(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_a_password_comes_from_the_most_direct_place(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from file\n")
    environment = {"FLAXFILE_PASSWORD": "from variable", "MINE": "from mine"}

    assert password_from(environment, given="given", file=str(file)) == "given"
    assert password_from(environment, file=str(file)) == "from file"
    assert password_from(environment, variable="MINE") == "from mine"
    assert password_from(environment) == "from variable"
    assert password_from({**environment, "FLAXFILE_PASSWORD_FILE": str(file)}) == "from file"
    assert password_from({}) is None


def test_an_empty_password_means_a_plain_connection() -> None:
    assert password_from({"FLAXFILE_PASSWORD": ""}) is None


def test_a_password_that_is_not_where_it_should_be_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nofile"):
        password_from({}, file=str(tmp_path / "nofile"))
    with pytest.raises(UsageError, match="NOWHERE"):
        password_from({}, variable="NOWHERE")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[client]\nretries = 3\nconect_timeout = 3\n", 3),
        ("# ours\n\n[servers.x]\nhost = 3\n", 4),
        ("[server]\nport = 1\n[clients]\n", 3),
        ('["client"]\n"window" = "3 apples"\n', 2),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_line(home: Path, text: str, line: int) -> None:
    path = home / "my.toml"
    path.write_text(text)

    with pytest.raises(UsageError, match=rf"my\.toml, line {line}: "):
        load(path, {})
