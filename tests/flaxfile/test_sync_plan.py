"""What a sync will do, judged without a disk or a server."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flaxfile.errors import ConflictError
from flaxfile.sync.entries import Kind, Node
from flaxfile.sync.plan import Comparison, Plan, check_deletes, make_plan


def file(path: str, size: int = 1, mtime_ns: int = 1) -> Node:
    return Node(path, Kind.FILE, size, mtime_ns)


def folder(path: str) -> Node:
    return Node(path, Kind.FOLDER)


def link(path: str, target: str) -> Node:
    return Node(path, Kind.LINK, target=target)


def paths(nodes: list[Node]) -> list[str]:
    return [node.path for node in nodes]


def test_missing_files_are_copied_and_equal_ones_left() -> None:
    plan = make_plan([file("a"), file("b"), file("c", 2)], [file("a"), file("c", 3)])

    assert paths(plan.copies) == ["b", "c"]
    assert plan.same == 1


def test_only_a_hash_tells_files_of_one_size_and_other_times_apart() -> None:
    plan = make_plan([file("a", 5, 1)], [file("a", 5, 2)])

    assert [(one.path, other.path) for one, other in plan.compares] == [("a", "a")]
    assert not plan.copies


@pytest.mark.parametrize(
    ("comparison", "copies", "compares", "same"),
    [
        (Comparison(), 0, 1, 1),
        (Comparison(size_only=True), 0, 0, 2),
        (Comparison(checksum=True), 0, 2, 0),
        (Comparison(force=True), 2, 0, 0),
    ],
)
def test_what_counts_as_the_same_can_be_chosen(
    comparison: Comparison, copies: int, compares: int, same: int
) -> None:
    source, target = [file("a", 1, 1), file("b", 1, 1)], [file("a", 1, 1), file("b", 1, 2)]

    plan = make_plan(source, target, comparison=comparison)

    assert (len(plan.copies), len(plan.compares), plan.same) == (copies, compares, same)


def test_nothing_is_deleted_unless_asked_for() -> None:
    assert make_plan([], [file("a"), folder("b")]).deletes == []


def test_deletes_come_deepest_first() -> None:
    target = [folder("a"), folder("a/b"), file("a/b/c"), file("z"), file("keep")]

    plan = make_plan([file("keep")], target, delete=True)

    assert paths(plan.deletes) == ["z", "a/b/c", "a/b", "a"]


def test_only_empty_folders_are_made_by_themselves() -> None:
    plan = make_plan([folder("a"), file("a/x"), folder("b"), folder("b/c")], [])

    assert plan.folders == ["b/c"]


def test_a_file_does_not_take_the_place_of_a_folder_unless_deletes_are_allowed() -> None:
    source, target = [file("a")], [folder("a"), file("a/x")]

    careful = make_plan(source, target)
    allowed = make_plan(source, target, delete=True)

    assert (paths(careful.blocked), careful.copies) == (["a"], [])
    assert (paths(allowed.blocking), paths(allowed.copies)) == (["a/x", "a"], ["a"])
    assert allowed.deletes == []


def test_a_folder_does_not_take_the_place_of_a_file_unless_deletes_are_allowed() -> None:
    source, target = [folder("a"), file("a/x")], [file("a")]

    careful = make_plan(source, target)
    allowed = make_plan(source, target, delete=True)

    assert (paths(careful.blocked), careful.copies) == (["a/x"], [])
    assert (paths(allowed.blocking), paths(allowed.copies)) == (["a"], ["a/x"])


def test_links_are_compared_by_where_they_lead() -> None:
    plan = make_plan([link("a", "x"), link("b", "x")], [link("a", "x"), link("b", "y")])

    assert (paths(plan.links), plan.same) == (["b"], 1)


def test_too_many_deletes_stop_the_sync() -> None:
    check_deletes(20, 20, None)
    check_deletes(21, 42, None)
    check_deletes(3, 3, 3)
    with pytest.raises(ConflictError) as caught:
        check_deletes(21, 41, None)
    assert "--max-delete 21" in str(caught.value.hint)
    with pytest.raises(ConflictError, match="--max-delete allows"):
        check_deletes(4, 100, 3)


TREES = st.dictionaries(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join),
    st.tuples(st.integers(0, 2), st.integers(0, 1)),
    max_size=12,
)


def grow(found: dict[str, tuple[int, int]]) -> dict[str, Node]:
    """A tree in which every path has its folders, and no file has something below it."""
    nodes: dict[str, Node] = {}
    for path, (size, mtime_ns) in sorted(found.items()):
        parts = path.split("/")
        above = ["/".join(parts[:end]) for end in range(1, len(parts))]
        if any(one in nodes and nodes[one].kind is Kind.FILE for one in above) or path in nodes:
            continue
        nodes.update({one: folder(one) for one in above})
        nodes[path] = file(path, size, mtime_ns)
    return nodes


def carry_out(plan: Plan, target: dict[str, Node]) -> dict[str, Node]:
    """As a disk would: no file in the place of a folder, no folder deleted that holds something."""
    result = dict(target)

    def remove(node: Node) -> None:
        assert not any(path.startswith(node.path + "/") for path in result), node
        del result[node.path]

    def add(path: str, node: Node) -> None:
        for at in range(path.count("/")):
            parent = "/".join(path.split("/")[: at + 1])
            assert result.setdefault(parent, folder(parent)).kind is Kind.FOLDER, path
        assert path not in result or result[path].kind is node.kind, path
        result[path] = node

    for node in plan.blocking:
        remove(node)
    for path in plan.folders:
        add(path, folder(path))
    for node in plan.copies + [one for one, _ in plan.compares]:
        add(node.path, node)
    for node in plan.deletes:
        remove(node)
    assert set(result) == {os.path.normpath(path) for path in result}
    return result


@settings(max_examples=150)  # making trees costs more than looking at them
@given(TREES, TREES)
def test_a_plan_with_deletes_makes_both_sides_the_same(
    one: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]]
) -> None:
    source, target = grow(one), grow(other)

    after = carry_out(make_plan(source.values(), target.values(), delete=True), target)

    assert {path: (node.kind, node.size) for path, node in after.items()} == {
        path: (node.kind, node.size) for path, node in source.items()
    }


@settings(max_examples=150)  # making trees costs more than looking at them
@given(TREES, TREES)
def test_a_plan_without_deletes_takes_nothing_away(
    one: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]]
) -> None:
    source, target = grow(one), grow(other)

    after = carry_out(make_plan(source.values(), target.values()), target)

    assert set(after) >= set(target)
    assert all(after[path].kind is node.kind for path, node in target.items())
