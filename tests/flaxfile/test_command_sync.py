"""Whole folders: what goes over, what stays, what is deleted and what never is."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from flaxfile import AsyncClient, Client
from flaxfile.cli.main import main
from flaxfile.result import TransferResult
from flaxfile.sync.walk import Walked, walk
from flaxfile.sync.watching import polling

from .commands import Proxy, finish, noise, run, serving, spawned, wait_until

pytestmark = pytest.mark.usefixtures("here")


def plant(top: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)


def content(top: Path) -> dict[str, bytes | None]:
    """Everything below a folder but our own bookkeeping; None for a folder."""
    return {
        path.relative_to(top).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(top.rglob("*"))
        if ".flaxfile" not in path.parts
    }


def test_a_tree_goes_up_and_comes_back_as_it_was(port: int, store: Path) -> None:
    tree = Path("tree")
    plant(tree, {"a": b"1", "b/c": noise(400_000), "b/d/e": b"", "z.sh": b"#!"})
    (tree / "b" / "empty").mkdir()
    (tree / "z.sh").chmod(0o750)
    os.utime(tree / "a", ns=(0, 1_000_000_000_123_456_789))

    assert run("push", "tree", "up/tree", port=port).code == 0
    assert run("pull", "up/tree", "back", port=port).code == 0

    assert content(store / "up" / "tree") == content(tree)
    assert content(Path("back")) == content(tree)
    assert Path("back/z.sh").stat().st_mode & 0o777 == 0o750
    assert Path("back/a").stat().st_mtime_ns == 1_000_000_000_123_456_789


def test_names_default_to_those_of_the_folders(port: int, store: Path) -> None:
    plant(Path("named"), {"a": b"1"})

    assert run("push", "named", port=port).code == 0
    Path("named/a").unlink()
    Path("named").rmdir()
    assert run("pull", "named", port=port).code == 0

    assert (store / "named" / "a").exists()
    assert Path("named/a").exists()


def test_only_what_changed_is_copied(port: int) -> None:
    plant(Path("t"), {str(number): noise(100, number) for number in range(10)})
    run("push", "t", "changed", port=port)
    Path("t/3").write_bytes(b"new content")
    os.utime("t/5")

    documents = run("push", "t", "changed", "--json", port=port).documents

    assert [(one["action"], one["key"]) for one in documents[:-1]] == [("copy", "3")]
    assert documents[-1]["summary"]["same"] == 9


def test_what_counts_as_the_same_can_be_chosen(port: int, store: Path) -> None:
    plant(Path("t"), {"a": b"12345"})
    run("push", "t", "chosen", port=port)
    status = Path("t/a").stat()
    Path("t/a").write_bytes(b"54321")
    os.utime("t/a", ns=(status.st_atime_ns, status.st_mtime_ns))

    assert run("push", "t", "chosen", port=port).code == 0
    assert (store / "chosen" / "a").read_bytes() == b"12345"
    assert run("push", "t", "chosen", "--checksum", port=port).code == 0
    assert (store / "chosen" / "a").read_bytes() == b"54321"
    Path("t/a").write_bytes(b"other")
    run("push", "t", "chosen", "--size-only", port=port)
    assert (store / "chosen" / "a").read_bytes() == b"54321"
    assert run("push", "t", "chosen", "--force", "--json", port=port).documents[-1]["summary"]["copied"] == 1
    assert run("push", "t", "chosen", "--force", "--checksum", port=port).code == 2


def test_ignored_files_are_neither_sent_nor_deleted_on_either_side(port: int, store: Path) -> None:
    plant(
        Path("t"),
        {
            ".gitignore": b"*.log\n",
            "sub/.gitignore": b"!keep.log\nlocal.cfg\n",
            "sub/keep.log": b"1",
            "sub/local.cfg": b"mine",
            "x.log": b"mine",
            ".git/config": b"mine",
            "__pycache__/a.pyc": b"mine",
            "web/node_modules/p/i.js": b"mine",
            "a": b"1",
        },
    )
    plant(store / "ignored", {"old.log": b"theirs", "gone": b"1", ".git/HEAD": b"theirs"})

    pushed = run("push", "t", "ignored", "--delete", port=port)

    assert pushed.code == 0
    assert {path for path, bytes_ in content(store / "ignored").items() if bytes_ is not None} == {
        ".git/HEAD",
        ".gitignore",
        "a",
        "old.log",
        "sub/.gitignore",
        "sub/keep.log",
    }
    (store / "ignored" / "a").unlink()
    before = content(Path("t"))

    assert run("pull", "ignored", "t", "--delete", port=port).code == 0
    del before["a"]
    assert content(Path("t")) == before


def test_rules_that_come_with_a_pull_protect_what_is_here(port: int, store: Path) -> None:
    plant(store / "rules", {".gitignore": b"*.secret\n", "a": b"1"})
    plant(Path("t"), {"my.secret": b"mine", "b": b"1"})

    assert run("pull", "rules", "t", "--delete", port=port).code == 0

    assert set(content(Path("t"))) == {".gitignore", "a", "my.secret"}


def test_the_command_line_includes_and_excludes_in_its_order(port: int, store: Path) -> None:
    plant(Path("t"), {".gitignore": b"*.log\n", "a.log": b"", "b.log": b"", "c.txt": b"", "d.txt": b""})

    run("push", "t", "order", "--include", "a.log", "--exclude", "*.txt", "--include", "d.txt", port=port)

    assert set(content(store / "order")) == {".gitignore", "a.log", "d.txt"}
    run("push", "t", "order2", "--no-ignore", port=port)
    assert len(content(store / "order2")) == 5


def test_delete_removes_what_the_source_does_not_have_and_nothing_else(port: int, store: Path) -> None:
    plant(Path("t"), {"a": b"1", "d/b": b"1"})
    plant(store / "del", {"a": b"1", "old": b"1", "x/y/z": b"1"})

    dry = run("push", "t", "del", "--delete", "--dry-run", port=port)
    assert "delete  old" in dry.out
    assert (store / "del" / "old").exists()
    assert run("push", "t", "del", port=port).code == 0
    assert (store / "del" / "old").exists()
    assert run("push", "t", "del", "--delete", port=port).code == 0
    assert content(store / "del") == content(Path("t"))


def test_deletes_wait_while_a_copy_fails(port: int, store: Path) -> None:
    plant(Path("t"), {"a": b"1", "blocked/x": b"1"})
    plant(store / "wait", {"old": b"1"})
    (store / "wait" / "blocked").symlink_to(store)

    done = run("push", "t", "wait", "--delete", port=port)

    assert done.code == 1
    assert "blocked/x failed" in done.err
    assert (store / "wait" / "old").exists()
    assert (store / "wait" / "a").exists()


def test_too_many_deletes_stop_before_anything_happens(port: int, store: Path) -> None:
    plant(Path("t"), {"new": b"1"})
    plant(store / "many", {f"{number:02d}": b"1" for number in range(30)})

    refused = run("push", "t", "many", "--delete", port=port)

    assert refused.code == 9
    assert "--max-delete 30" in refused.err
    assert len(content(store / "many")) == 30
    assert run("push", "t", "many", "--delete", "--max-delete", "30", port=port).code == 0
    assert set(content(store / "many")) == {"new"}


def test_a_file_where_a_folder_was_needs_delete(port: int, store: Path) -> None:
    plant(Path("t"), {"x": b"file"})
    plant(store / "kinds", {"x/inner": b"1"})

    assert run("push", "t", "kinds", port=port).code == 1
    assert (store / "kinds" / "x" / "inner").exists()
    assert run("push", "t", "kinds", "--delete", port=port).code == 0
    assert (store / "kinds" / "x").read_bytes() == b"file"


def test_links_are_left_out_and_said_or_followed(port: int, store: Path, tmp_path: Path) -> None:
    plant(Path("t"), {"a": b"1"})
    plant(tmp_path / "outside", {"secret": b"secret"})
    Path("t/link").symlink_to(tmp_path / "outside")

    done = run("push", "t", "links", port=port)
    assert done.code == 0
    assert "1 links are left out" in done.err
    assert set(content(store / "links")) == {"a"}
    assert run("push", "t", "links", "--links", "follow", port=port).code == 0
    assert (store / "links" / "link" / "secret").read_bytes() == b"secret"


def test_links_are_kept_as_links_there_and_back(port: int, store: Path) -> None:
    plant(Path("t"), {"d/x": b"1", "e/f/g": b"2"})
    Path("t/l").symlink_to("d/x")
    Path("t/e/f/up").symlink_to("../../d")
    Path("t/out").symlink_to("/etc")
    Path("t/sly").symlink_to("d/../../..")

    done = run("push", "t", "kept/t", "--links", "copy", "--json", port=port)
    again = run("push", "t", "kept/t", "--links", "copy", "--json", port=port)
    assert run("pull", "kept/t", "back", "--links", "copy", port=port).code == 0

    assert (done.code, again.code) == (0, 0)
    summary = done.documents[-1]["summary"]
    assert (summary["copied"], summary["linked"], summary["skipped_links"]) == (2, 2, 2)
    assert [one["action"] for one in again.documents if "action" in one] == []
    for top in (store / "kept" / "t", Path("back")):
        assert (top / "l").readlink() == Path("d/x")
        assert (top / "e/f/up").readlink() == Path("../../d")
        assert not (top / "out").is_symlink()
        assert not (top / "sly").is_symlink()
    assert run("verify", "t", "kept/t", "--links", "copy", port=port).code == 0
    Path("t/l").unlink()
    Path("t/l").symlink_to("e/f/g")
    assert run("verify", "t", "kept/t", "--links", "copy", port=port).code == 1
    planned = run("push", "t", "kept/t", "--links", "copy", "--dry-run", port=port)
    assert "link    l" in planned.out
    assert run("push", "t", "kept/t", "--links", "copy", port=port).code == 0
    assert (store / "kept/t/l").readlink() == Path("e/f/g")


def test_links_that_are_gone_are_deleted_as_links(port: int, store: Path) -> None:
    plant(Path("t"), {"d/x": b"1"})
    Path("t/l").symlink_to("d")
    run("push", "t", "gone", "--links", "copy", port=port)
    Path("t/l").unlink()

    assert run("push", "t", "gone", "--links", "copy", "--delete", port=port).code == 0

    assert content(store / "gone") == {"d": None, "d/x": b"1"}


def test_a_link_of_a_store_that_leads_out_makes_none_here(port: int, store: Path, here: Path) -> None:
    """Out of the folder that is pulled, be it inside of the store."""
    plant(store / "sly", {"d/x": b"1"})
    (store / "sly" / "d" / "near").symlink_to("../../other")
    (store / "sly" / "far").symlink_to(here)

    done = run("pull", "sly", "t", "--links", "copy", "--json", port=port)

    assert (done.code, done.documents[-1]["summary"]["skipped_links"]) == (0, 1)
    assert content(Path("t")) == {"d": None, "d/x": b"1"}


def test_a_pull_that_follows_links_stays_in_its_folder(port: int, store: Path, tmp_path: Path) -> None:
    plant(store / "bound", {"in/a": b"new", "out/a": b"new"})
    plant(tmp_path / "elsewhere", {"a": b"old", "mine": b"1"})
    plant(Path("t"), {"real/a": b"old"})
    Path("t/in").symlink_to("real")
    Path("t/out").symlink_to(tmp_path / "elsewhere")

    done = run("pull", "bound", "t", "--links", "follow", "--delete", port=port)

    assert done.code == 1
    assert "leads out of the folder" in done.err
    assert Path("t/real/a").read_bytes() == b"new"
    assert content(tmp_path / "elsewhere") == {"a": b"old", "mine": b"1"}


def test_a_pull_writes_through_no_link(port: int, store: Path, tmp_path: Path) -> None:
    plant(store / "sly", {"d/x": b"theirs"})
    (tmp_path / "precious").mkdir()
    Path("t").mkdir()
    Path("t/d").symlink_to(tmp_path / "precious")

    done = run("pull", "sly", "t", port=port)

    assert done.code == 1
    assert "link" in done.err
    assert list((tmp_path / "precious").iterdir()) == []


def test_names_that_are_not_text_go_over(port: int, store: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \xff.bin")
    plant(Path("t"), {name: b"1", "new\nline": b"2"})

    assert run("push", "t", "bytes", port=port).code == 0
    assert run("pull", "bytes", "back", port=port).code == 0

    assert content(Path("back")) == {name: b"1", "new\nline": b"2"}
    assert run("set", f"t/{name}", port=port).code == 0
    assert os.fsencode(store / name) in [os.fsencode(path) for path in store.iterdir()]
    assert "caf\\xe9 \\xff.bin" in run("list", "bytes", "--detailed", port=port).out


def test_a_file_that_goes_away_meanwhile_is_named_and_the_rest_goes_over(
    port: int, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(Path("t"), {"a": b"1", "fleeting": b"1"})

    def walk_and_lose(*arguments: Any, **options: Any) -> Walked:
        found = walk(*arguments, **options)
        Path("t/fleeting").unlink()
        return found

    monkeypatch.setattr("flaxfile.sync.preparing.walk", walk_and_lose)
    done = run("push", "t", "unread", port=port)

    assert done.code == 1
    assert "fleeting failed" in done.err
    assert set(content(store / "unread")) == {"a"}


def test_pipes_and_sockets_are_left_out_and_said(port: int, store: Path) -> None:
    plant(Path("t"), {"a": b"1"})
    os.mkfifo("t/pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("t/sock")
        done = run("push", "t", "special", port=port)

    assert done.code == 0
    assert "2 pipes, sockets or devices" in done.err
    assert set(content(store / "special")) == {"a"}


def test_what_is_not_there_is_said(port: int) -> None:
    Path("file").touch()
    run("set", "file", "afile", port=port)

    assert run("pull", "no/such/folder", "t", port=port).code == 3
    assert not Path("t").exists()
    assert run("push", "nofolder", port=port).code == 3
    assert run("push", "file", port=port).code == 3
    assert run("pull", "afile", "t", port=port).code == 2


def test_an_empty_folder_is_pushed_and_pulled(port: int, store: Path) -> None:
    Path("void").mkdir()

    assert run("push", "void", port=port).code == 0
    assert (store / "void").is_dir()
    assert run("pull", "void", "back", port=port).code == 0
    assert Path("back").is_dir()


def test_verify_compares_by_content_and_changes_nothing(port: int, store: Path) -> None:
    plant(Path("t"), {"a": b"12", "b": b"12", "c": b"12"})
    run("push", "t", "checked", port=port)
    assert run("verify", "t", "checked", port=port).code == 0

    status = (store / "checked" / "a").stat()
    (store / "checked" / "a").write_bytes(b"21")
    os.utime(store / "checked" / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    (store / "checked" / "b").unlink()
    (store / "checked" / "d").write_bytes(b"1")
    before = content(store / "checked")
    done = run("verify", "t", "checked", "--json", port=port)

    assert done.code == 1
    assert {one["key"]: one["difference"] for one in done.documents[:-1]} == {
        "a": "different",
        "b": "only here",
        "d": "only there",
    }
    assert content(store / "checked") == before


def test_a_sync_without_changes_reads_no_file(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(Path("t"), {f"{number}": noise(50, number) for number in range(5)})
    run("push", "t", "unread2", port=port)
    for number in range(5):
        os.utime(f"t/{number}", ns=(0, 10**18))
    run("push", "t", "unread2", port=port)
    past = 10**18
    for path in Path("t").iterdir():
        if path.is_file():
            os.utime(path, ns=(past, past))

    def no_reading(descriptor: int, _: str) -> str:
        raise AssertionError(f"descriptor {descriptor} was read")

    documents = run("push", "t", "unread2", "--json", port=port).documents
    assert documents[-1]["summary"]["same"] == 5
    monkeypatch.setattr("flaxfile.sync.sides.hash_of_file", no_reading)
    run("pull", "unread2", "fresh", port=port)
    assert run("push", "fresh", "unread2", "--json", port=port).documents[-1]["summary"]["same"] == 5


def test_watch_pushes_again_when_something_changes(tmp_path: Path, here: Path) -> None:
    plant(Path("t"), {"a": b"1"})
    with serving(tmp_path / "store") as (_, port):
        words = ["push", "t", "w", "--watch", "--server", f"127.0.0.1:{port}"]
        with spawned(*words, cwd=here) as process:
            wait_until((tmp_path / "store" / "w" / "a").exists)
            Path("t/b").write_bytes(b"2")
            wait_until((tmp_path / "store" / "w" / "b").exists)
            process.send_signal(2)
            assert finish(process).code == 130


async def test_polling_says_each_burst_of_changes_once(here: Path) -> None:
    plant(Path("t"), {"a": b"1"})
    changed = await polling(here / "t", every=0.02)
    plant(Path("t"), {"b": b"1", "c": b"1"})

    await asyncio.wait_for(changed(), 20)

    again = asyncio.ensure_future(changed())
    await asyncio.sleep(0.1)
    assert not again.done()
    again.cancel()


def test_a_thousand_files_go_over_and_back(port: int, store: Path) -> None:
    plant(Path("t"), {f"d{number % 20}/{number}": noise(200, number) for number in range(1000)})

    assert main(["push", "t", "two", "--quiet", "--server", f"127.0.0.1:{port}"]) == 0
    assert main(["pull", "two", "back", "--quiet", "--server", f"127.0.0.1:{port}"]) == 0
    assert content(Path("back")) == content(Path("t")) == content(store / "two")


def test_without_a_folder_the_server_reads_again_what_it_has(port: int, store: Path) -> None:
    plant(store / "scrub", {"a": noise(50_000), "d/b": noise(70_000, 2), "n": b"1"})
    with Client("127.0.0.1", port) as client:
        assert len([*client.list("scrub/a", hash=True), *client.list("scrub/d", hash=True)]) == 2

    first = run("verify", "scrub", "--json", port=port)
    again = run("verify", "scrub/", "--json", port=port)

    assert (first.code, again.code) == (0, 0)
    assert first.documents == [
        {"op": "verify", "summary": {"same": 2, "different": 0, "failed": 0, "new": 1}}
    ]
    assert again.documents[-1]["summary"] == {"same": 3, "different": 0, "failed": 0, "new": 0}
    assert run("verify", "scrub/n", port=port).code == 0
    assert run("verify", "scrub-not-there", port=port).code == 3
    assert run("verify", "not-here", "scrub", port=port).code == 3


@pytest.mark.parametrize(
    ("words", "most"), [(["--max-concurrency", "1"], 1), (["--jobs", "3", "--max-concurrency", "2"], 2)]
)
def test_files_at_once_stay_within_the_bound(
    port: int, monkeypatch: pytest.MonkeyPatch, words: list[str], most: int
) -> None:
    plant(Path("t"), {str(number): noise(300_000, number) for number in range(6)})
    now = seen = 0
    upload = AsyncClient.upload

    async def counted(*arguments: Any, **options: Any) -> TransferResult:
        nonlocal now, seen
        now += 1
        seen = max(seen, now)
        try:
            return await upload(*arguments, **options)
        finally:
            now -= 1

    monkeypatch.setattr(AsyncClient, "upload", counted)

    assert run("push", "t", f"bounded{most}", *words, port=port).code == 0
    assert seen == most


def test_a_connection_that_is_lost_while_both_sides_are_looked_at_is_made_again(
    port: int, store: Path
) -> None:
    plant(store / "many", {f"{number:04}": b"1" for number in range(3000)})
    lost: list[int] = []

    def cut(direction: str, connection: int, offset: int, data: bytes) -> bytes:
        if direction == "down" and connection == 0 and offset > 100_000:
            lost.append(connection)
            raise ConnectionResetError
        return data

    with Proxy(port, cut) as proxy:
        assert run("pull", "many", "back", port=proxy.port).code == 0

    assert lost
    assert content(Path("back")) == content(store / "many")


def test_the_ignore_files_of_the_server_count_when_they_are_new_here(port: int, store: Path) -> None:
    plant(
        store / "new-rules",
        {"a.o": b"1", "b": b"2", "d/.gitignore": b"c\n", "d/c": b"3", ".gitignore": b"*.o\n"},
    )
    plant(Path("back"), {"a.o": b"1", "mine.o": b"4"})
    os.utime("back/a.o", ns=(0, (store / "new-rules" / "a.o").stat().st_mtime_ns))

    done = run("pull", "new-rules", "back", "--delete", "--json", port=port)

    assert content(Path("back")) == {
        ".gitignore": b"*.o\n",
        "a.o": b"1",
        "b": b"2",
        "d": None,
        "d/.gitignore": b"c\n",
        "mine.o": b"4",
    }
    summary = done.documents[-1]["summary"]
    assert (summary["copied"], summary["same"], summary["deleted"]) == (3, 0, 0)
