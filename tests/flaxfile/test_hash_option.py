"""``--hash`` and the setting of that name: what commands compare by, what they show, whom they refuse."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from flaxfile import digests
from flaxfile._core.hashing import hash_file
from flaxfile.client.small import SmallFile, packs
from flaxfile.config import load
from flaxfile.digests import RunningHash, hash_content, hash_of_file
from flaxfile.errors import FlaxError, UsageError
from flaxfile.model import HASH_KINDS, HashKind
from flaxfile.protocol.messages import decode_payload, encode_payload
from flaxfile.protocol.pack import decode_pack
from flaxfile.server import service
from flaxfile.server.wish import Wish
from tests.properties import FEWER_EXAMPLES

from .commands import noise, run

ABC = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
"""BLAKE3 of b"abc", as `b3sum` shows it."""
EMPTY = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


def b3(data: bytes) -> str:
    return str(blake3(data).hexdigest())


# ---- the hashes themselves ----


def test_they_are_those_that_other_programs_show(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    (tmp_path / "empty").touch()
    with (tmp_path / "abc").open("rb") as file, (tmp_path / "empty").open("rb") as empty:
        assert hash_of_file(file.fileno(), "blake3") == hash_content(b"abc", "blake3") == ABC
        assert hash_of_file(empty.fileno(), "blake3") == hash_content(b"", "blake3") == EMPTY
        assert hash_of_file(file.fileno(), "xxh3") == hash_content(b"abc", "xxh3")
        assert hash_of_file(file.fileno(), "xxh3") == hash_file(file.fileno()).hex()


@FEWER_EXAMPLES
@given(
    st.binary(max_size=3000),
    st.integers(0, 50),
    st.integers(0, 60),
    st.lists(st.integers(0, 4000), max_size=6),
)
def test_a_running_hash_is_that_of_the_whole_however_it_is_taken(
    data: bytes, before: int, behind: int, steps: list[int]
) -> None:
    """A file and a buffer give the same; what stands before and behind is not in it."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile() as file:
        patch.setattr(digests, "PIECE", 97)
        file.write(b"x" * before + data + b"y" * behind)
        file.flush()
        running = [
            RunningHash(len(data), fd=file.fileno(), base=before),
            RunningHash(len(data), memory=memoryview(data + b"y" * behind)),
        ]
        for one in running:
            for step in steps:
                one.advance(step)
                assert one.done <= len(data)
            assert one.done == max([0, *(min(step, len(data)) for step in steps)])
        assert [one.finish() for one in running] == [b3(data)] * 2


def test_a_running_hash_of_less_than_there_was_is_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    with path.open("rb") as file:
        assert RunningHash(101, fd=file.fileno()).finish() is None
        closed = RunningHash(100, fd=file.fileno())
        closed.advance(50)
        closed.close()
    # Its file is closed by now, and may be another one.
    assert closed.finish() is None
    assert closed.done == 50


# ---- on the wire ----


JSON = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.lists(st.text(max_size=3), max_size=2)
)


@FEWER_EXAMPLES
@given(st.sampled_from([*HASH_KINDS, None]) | JSON, st.integers(-1, 5))
def test_an_upload_is_wished_by_a_kind_that_is_known_or_refused(kind: object, size: int) -> None:
    payload = {"key": "a", "size": size, "upload": "1"} | ({} if kind is None else {"hash_kind": kind})
    try:
        wish = Wish.read(decode_payload(encode_payload(payload)))
    except FlaxError:
        assert size < 0 or kind not in (*HASH_KINDS, None)
    else:
        assert wish.hash_kind == ("xxh3" if kind is None else kind)


@FEWER_EXAMPLES
@given(st.lists(st.binary(max_size=50), max_size=5), st.sampled_from(HASH_KINDS))
def test_a_pack_carries_the_hash_of_each_file(contents: list[bytes], kind: HashKind) -> None:
    files = [SmallFile(f"k{number}", content) for number, content in enumerate(contents)]
    sent = list(packs(files, kind))
    index = [item for _, payload in sent for item in decode_pack(payload)[0]]
    back = [bytes(content) for _, payload in sent for content in decode_pack(payload)[1]]

    assert back == contents
    if kind == "blake3":
        assert [(item["hash"], item["hash_kind"]) for item in index] == [(b3(one), kind) for one in contents]
        assert [digest for hashes, _ in sent for digest in hashes] == [item["hash"] for item in index]
    else:
        assert all("hash" not in item for item in index)
        assert [digest for hashes, _ in sent for digest in hashes] == [None] * len(contents)


# ---- commands ----


@pytest.mark.usefixtures("here")
def test_commands_show_the_hash_that_other_programs_show(port: int) -> None:
    Path("abc").write_bytes(b"abc")

    up = run("set", "abc", "shown/abc", "--hash", "blake3", port=port)
    document = run("get", "shown/abc", "back", "--hash=blake3", "--json", port=port).documents[0]
    plain = run("get", "shown/abc", "back", "--json", port=port).documents[0]
    listed = run("list", "shown", "--hash", "blake3", port=port)
    shown = run("stat", "shown/abc", "--hash", "blake3", port=port)

    assert f"BLAKE3  {ABC}" in up.out
    assert (document["hash"], document["hash_kind"]) == (ABC, "blake3")
    assert plain["hash_kind"] == "xxh3"
    assert plain["hash"] != ABC
    assert "Hash (blake3)" in listed.out
    assert ABC in listed.out
    assert f"Hash (blake3)  {ABC}" in shown.out


@pytest.mark.usefixtures("here")
def test_the_kind_may_be_left_out_where_hashes_are_only_shown(port: int) -> None:
    Path("abc").write_bytes(b"abc")
    run("set", "abc", "bare/abc", port=port)

    for words in (["list", "--hash", "bare"], ["--hash", "list", "bare"], ["list", "bare", "--hash"]):
        done = run(*words, "--json", port=port)
        assert [one["hash_kind"] for one in done.documents] == ["xxh3"], words
    assert "Hash (xxh3)" in run("list", "bare", "--hash", port=port).out
    assert run("stat", "bare/abc", "--json", port=port).documents[0]["hash"] is None
    assert run("list", "bare", "--json", port=port).documents[0]["hash_kind"] is None
    assert run("set", "abc", "--hash", port=port).code == 2


@pytest.mark.parametrize("command", ["set", "get", "verify", "push", "pull"])
@pytest.mark.parametrize("wrong", [["--hash", "md5"], ["--hash=md5"], ["--hash", "md5", "--quiet"]])
def test_a_kind_that_is_none_is_named_by_every_command(command: str, wrong: list[str]) -> None:
    done = run(command, "abc", *wrong, port=1)
    assert done.code == 2
    assert "'md5' is no kind of hash: known are: xxh3, blake3" in done.err


@pytest.mark.usefixtures("here")
def test_the_setting_counts_where_the_option_says_nothing(port: int) -> None:
    Path("flaxfile.toml").write_text('[client]\nhash = "blake3"\n', encoding="utf-8")
    Path("abc").write_bytes(b"abc")

    set_ = run("set", "abc", "setting/abc", "--json", port=port).documents[0]
    listed = run("list", "setting", "--hash", "--json", port=port).documents[0]
    other = run("get", "setting/abc", "back", "--hash", "xxh3", "--json", port=port).documents[0]

    assert (set_["hash"], listed["hash"], listed["hash_kind"]) == (ABC, ABC, "blake3")
    assert other["hash_kind"] == "xxh3"
    Path("flaxfile.toml").write_text('[client]\nhash = "md5"\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"\[client\] hash: 'md5' is no kind of hash"):
        load(environment={})


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("kind", HASH_KINDS)
def test_whole_folders_go_both_ways_and_are_the_same_afterwards(port: int, store: Path, kind: str) -> None:
    words = ["--hash", kind]
    Path("t/d").mkdir(parents=True)
    for name, size in (("small", 100), ("d/large", 900_000), ("empty", 0)):
        (Path("t") / name).write_bytes(noise(size))

    assert run("push", "t", f"tree-{kind}", *words, port=port).code == 0
    assert run("pull", f"tree-{kind}", "back", *words, port=port).code == 0
    assert (Path("back") / "d/large").read_bytes() == noise(900_000)
    again = run("push", "t", f"tree-{kind}", "--checksum", "--json", *words, port=port).documents[-1]
    assert (again["summary"]["copied"], again["summary"]["same"]) == (0, 3)
    assert run("verify", "t", f"tree-{kind}", *words, port=port).code == 0
    (store / f"tree-{kind}" / "d" / "large").write_bytes(noise(900_000, seed=2))
    done = run("verify", "t", f"tree-{kind}", "--json", *words, port=port)
    assert done.code == 1
    assert done.documents[0] == {"op": "verify", "key": "d/large", "difference": "different"}
    fixed = run("push", "t", f"tree-{kind}", "--checksum", "--json", *words, port=port).documents[-1]
    assert fixed["summary"]["copied"] == 1


@pytest.mark.usefixtures("here")
def test_a_server_knows_the_hash_of_what_was_stored_before_it_reads_it(port: int) -> None:
    Path("x").write_bytes(noise(400_000))
    run("set", "x", "known/x", "--hash", "blake3", port=port)

    strong = run("verify", "known", "--hash", "blake3", "--json", port=port).documents[-1]["summary"]
    quick = run("verify", "known", "--hash", "xxh3", "--json", port=port).documents[-1]["summary"]

    assert (strong["same"], strong["new"]) == (1, 0)
    assert (quick["same"], quick["new"]) == (0, 1)


@pytest.mark.usefixtures("here")
def test_a_server_that_cannot_is_told_and_commands_that_compare_nothing_work(
    port: int, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("flaxfile.toml").write_text('[client]\nhash = "blake3"\n', encoding="utf-8")
    Path("x").write_bytes(b"x")
    monkeypatch.setattr(service, "is_available", lambda kind: kind == "xxh3")

    done = run("set", "x", "cannot/x", port=port)

    assert done.code == 2
    assert "does not offer BLAKE3; nothing was sent" in done.err
    assert "pyrocketmq-turbo[files,blake3]" in done.err
    assert not (store / "cannot").exists()
    assert run("set", "x", "cannot/x", "--hash", "xxh3", port=port).code == 0
    for words in (["ping"], ["list"], ["move", "cannot/x", "cannot/y"], ["delete", "cannot/y"]):
        assert run(*words, port=port).code == 0, words


@pytest.mark.usefixtures("here")
def test_a_client_that_cannot_is_told_how_to(port: int, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("x").write_bytes(b"x")
    monkeypatch.setattr(digests, "_blake3", lambda: None)

    done = run("set", "x", "alone/x", "--hash", "blake3", port=port)

    assert done.code == 2
    assert "not installed" in done.err
    assert "pip install 'pyrocketmq-turbo[files,blake3]'" in done.err
    assert not (store / "alone").exists()
