"""Sync as a program uses it."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flaxfile import AsyncClient, Client
from flaxfile.cli.options import Parser
from flaxfile.cli.syncing import configure_push
from flaxfile.client import difference
from flaxfile.client.speed import LinkSpeed
from flaxfile.errors import PartialError, UsageError
from flaxfile.result import TransferResult
from flaxfile.sync import Action, SyncOptions
from flaxfile.sync.entries import Kind, Node
from flaxfile.sync.options import SyncKeywords
from flaxfile.sync.sides import LocalSide
from flaxfile.sync.walk import Walked, walk


@pytest.fixture
def tree(here: Path) -> Path:
    (here / "tree" / "d").mkdir(parents=True)
    (here / "tree" / "a").write_bytes(b"1")
    (here / "tree" / "d" / "b").write_bytes(bytes(300_000))
    return here / "tree"


async def test_push_and_pull_report_what_they_did(port: int, tree: Path, here: Path) -> None:
    seen: list[Action] = []
    moved: list[tuple[int, int]] = []
    async with AsyncClient("127.0.0.1", port) as client:
        report = await client.push(
            tree, "api", on_action=seen.append, progress=lambda done, total: moved.append((done, total))
        )
        again = await client.push(tree, "api")
        back = await client.pull("api", here / "back", exclude=["a"])

    assert report.ok
    assert seen == report.actions
    assert sorted(seen, key=lambda action: action.path) == [
        Action("copy", "a", 1),
        Action("copy", "d/b", 300_000),
    ]
    assert (report.copied, report.bytes_copied, again.copied, again.same) == (2, 300_001, 0, 2)
    assert moved[-1] == (300_001, 300_001)
    assert [action.path for action in back.actions] == ["d/b"]
    report.raise_for_failures()


async def test_a_program_is_told_of_a_small_file_that_cannot_be_read_where_it_runs_the_push(
    port: int, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def walk_and_lose(*arguments: Any, **options: Any) -> Walked:
        found = walk(*arguments, **options)
        (tree / "a").unlink()
        return found

    monkeypatch.setattr("flaxfile.sync.preparing.walk", walk_and_lose)
    told: list[tuple[str, int]] = []
    async with AsyncClient("127.0.0.1", port) as client:
        report = await client.push(
            tree, "told", on_failure=lambda failure: told.append((failure.path, threading.get_ident()))
        )

    assert not report.ok
    assert [("a", threading.get_ident())] == told


def test_the_blocking_client_does_the_same(port: int, tree: Path, store: Path) -> None:
    with Client("127.0.0.1", port) as client:
        planned = client.push(tree, "blocking", dry_run=True)
        assert planned.copied == 2
        assert not (store / "blocking").exists()
        assert client.push(tree, "blocking").copied == 2
        assert client.pull("blocking", "back").copied == 2


def test_failures_can_be_raised(port: int, tree: Path, store: Path) -> None:
    (store / "partly" / "a").mkdir(parents=True)
    with Client("127.0.0.1", port) as client:
        report = client.push(tree, "partly")

    assert [failure.path for failure in report.failures] == ["a"]
    with pytest.raises(PartialError, match="the first one a"):
        report.raise_for_failures()


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "", ".", "a//b", "a/./b", "n" * 256, "nul\0", ".flaxfile/cache.db"]
)
def test_no_name_that_a_server_sends_leads_out_of_the_folder(here: Path, name: str) -> None:
    side = LocalSide(here)

    with pytest.raises(UsageError, match="cannot be a key"):
        side.target(name)
    with pytest.raises(UsageError, match="cannot be a key"):
        side.remove(Node(name, Kind.FILE))


@given(st.text(st.sampled_from("ab./\\\0~"), max_size=12))
def test_what_may_be_written_is_always_below_the_folder(name: str) -> None:
    top = Path("/nowhere/top")
    try:
        target = LocalSide(top).target(name)
    except UsageError:
        return

    assert os.path.normpath(target).startswith("/nowhere/top/")


def test_every_option_is_a_keyword() -> None:
    assert set(SyncKeywords.__annotations__) == set(SyncOptions._fields)


def test_a_file_is_no_folder_to_pull(port: int, tree: Path, store: Path) -> None:
    (store / "single").write_bytes(b"1")
    with Client("127.0.0.1", port) as client, pytest.raises(UsageError, match="no folder"):
        client.pull("single", tree)


async def test_a_delta_push_sends_what_is_new_alone(
    port: int, tree: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = random.Random(1).randbytes(6 << 20)
    (tree / "large").write_bytes(old)
    async with AsyncClient("127.0.0.1", port) as client:
        await client.push(tree, "delta")
        new = old[: 3 << 20] + b"inserted" + old[3 << 20 :]
        (tree / "large").write_bytes(new)
        moved: list[int] = []
        upload = client.upload

        async def counted(*arguments: Any, **options: Any) -> TransferResult:
            result = await upload(*arguments, **options)
            moved.append(result.bytes_sent)
            return result

        monkeypatch.setattr(client, "upload", counted)
        report = await client.push(tree, "delta", delta=True)

    assert 1 == report.copied
    assert new == (store / "delta" / "large").read_bytes()
    assert sum(moved) < 400_000


def test_a_delta_pays_on_slow_links_alone() -> None:
    near = LinkSpeed()
    assert not near.delta_pays(0.0001), "the first file shows how quick the link is"
    assert near.delta_pays(0.0001), "until that is known, the others are compared"
    near.note(100_000, 0.00001)
    assert near.delta_pays(0.0001), "a small one shows nothing"
    near.note(100_000_000, 1.0)
    assert near.delta_pays(0.0001)
    near.note(100_000_000, 0.1)
    assert not near.delta_pays(0.0001)

    far = LinkSpeed()
    assert far.delta_pays(0.01)
    far.note(100_000_000, 0.1)
    assert not far.delta_pays(0.01)


@pytest.mark.parametrize(
    ("words", "delta"),
    [
        ("src", "never"),
        ("--delta src", "always"),
        ("src --delta", "always"),
        ("--delta auto src", "auto"),
        ("--delta=auto src", "auto"),
        ("src there --delta never", "never"),
    ],
)
def test_delta_may_stand_alone_before_a_folder(words: str, delta: str) -> None:
    parser = Parser()
    configure_push(parser)
    parsed = parser.parse_args(words.split())
    assert ("src", delta) == (parsed.folder, parsed.delta)


@pytest.mark.parametrize("quick", [True, False])
async def test_an_automatic_delta_follows_the_link(
    port: int, tmp_path: Path, store: Path, quick: bool
) -> None:
    old = random.Random(5).randbytes(5 << 20)
    new = b"longer" + old
    file = tmp_path / "file"
    async with AsyncClient("127.0.0.1", port) as client:
        file.write_bytes(old)
        await client.upload(file, "auto")
        client._speed = LinkSpeed()
        client._speed.note(1 << 30, 1.0 if quick else 10.0)
        file.write_bytes(new)
        up = await client.upload(file, "auto", delta="auto")
        assert new == (store / "auto").read_bytes()
        file.write_bytes(old)
        down = await client.download("auto", file, delta="auto")
        assert new == file.read_bytes()

    for result in (up, down):
        assert (result.bytes_sent < 400_000) is not quick


@pytest.mark.parametrize("change", ["inserted", "overwritten", "shortened", "all of it"])
async def test_a_delta_pull_fetches_what_is_new_alone(
    port: int, tree: Path, store: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    old = random.Random(2).randbytes(6 << 20)
    new = {
        "inserted": old[: 3 << 20] + b"inserted" + old[3 << 20 :],
        "overwritten": old[: 3 << 20] + b"overwritten" + old[(3 << 20) + 11 :],
        "shortened": old[: 5 << 20],
        "all of it": random.Random(3).randbytes(6 << 20),
    }[change]
    (store / "back").mkdir(exist_ok=True)
    (store / "back" / "large").write_bytes(new)
    (tree / "large").write_bytes(old)
    moved: list[int] = []
    async with AsyncClient("127.0.0.1", port) as client:
        download = client.download

        async def counted(*arguments: Any, **options: Any) -> TransferResult:
            result = await download(*arguments, **options)
            moved.append(result.bytes_sent)
            return result

        monkeypatch.setattr(client, "download", counted)
        report = await client.pull("back", tree, delta=True, force=True)

    assert 1 == report.copied
    assert new == (tree / "large").read_bytes()
    assert (sum(moved) < 400_000) is (change != "all of it")
    assert not await asyncio.to_thread(lambda: list(tree.glob(".*flaxpart*")))


async def test_a_delta_pull_of_a_file_that_is_written_to_here_comes_out_right(
    port: int, tree: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its blocks are no more what they were when they were looked at."""
    old = random.Random(4).randbytes(6 << 20)
    new = old[: 3 << 20] + b"inserted" + old[3 << 20 :]
    (store / "moving").write_bytes(new)
    (tree / "large").write_bytes(old)
    real = difference.OldVersion.copy

    def copy(self: difference.OldVersion, *arguments: Any) -> list[tuple[int, bytes]]:
        with (tree / "large").open("r+b") as file:
            file.write(b"other")
        return real(self, *arguments)

    monkeypatch.setattr(difference.OldVersion, "copy", copy)
    async with AsyncClient("127.0.0.1", port) as client:
        await client.download("moving", tree / "large", delta=True)

    assert new == (tree / "large").read_bytes()
