"""Every blocking class only forwards: the same names and arguments, and no decision of its own."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

import pyrocketmq
from pyrocketmq.remote.face import SyncFace
from pyrocketmq.remote.lane import DirectRemote

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
from make_sync import MODULES

PACKAGE = Path(pyrocketmq.__file__).parent
BY_HAND = {"ConnectionPool": "pyrocketmq.remote.pool:AsyncConnectionPool"}
# The exceptions to the rule: they do calls themselves, on sockets of the callers.
EXCEPTIONS = {"DirectRemote", "BlockingBatchCalls", "Producer", "TransactionProducer"}
TWINS = {twin.twin: twin for _, twins in MODULES.values() for twin in twins}


def class_at(place: str) -> type:
    module, _, name = place.partition(":")
    found: type = getattr(import_module(module), name)
    return found


def public_names(kind: type) -> set[str]:
    names = {name for base in kind.__mro__ if base.__module__.startswith("pyrocketmq") for name in vars(base)}
    return {name for name in names if not name.startswith("_")} - {"over"}


def all_faces() -> set[type]:
    """Every class below SyncFace, in modules that are there."""
    for path in PACKAGE.rglob("*.py"):
        if "SyncFace" in path.read_text(encoding="utf-8"):
            import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    found: set[type] = set()
    waiting = [SyncFace]
    while waiting:
        below = waiting.pop().__subclasses__()
        found.update(below)
        waiting += below
    return {kind for kind in found if kind.__module__.startswith("pyrocketmq")}


def test_every_blocking_class_is_in_the_list_of_written_ones_or_known_to_be_by_hand() -> None:
    listed = {class_at(place) for place in TWINS}

    assert {*BY_HAND, *EXCEPTIONS} == {kind.__name__ for kind in all_faces() - listed}


def test_direct_lanes_replace_nothing_but_the_call_and_the_end() -> None:
    assert {"invoke", "close"} == {name for name in vars(DirectRemote) if not name.startswith("_")}


@pytest.mark.parametrize("place", TWINS)
def test_names_arguments_and_descriptions_are_those_of_the_asynchronous_class(place: str) -> None:
    twin = TWINS[place]
    ours, theirs = class_at(place), class_at(twin.source)
    attributes = {name for name, _, _ in twin.attributes}

    assert public_names(ours) - attributes == public_names(theirs)
    for name in public_names(theirs):
        one, other = inspect.getattr_static(ours, name), inspect.getattr_static(theirs, name)
        assert inspect.getdoc(one) == inspect.getdoc(other)
        assert isinstance(one, property) == isinstance(other, property)
        if not isinstance(one, property):
            assert inspect.signature(one) == inspect.signature(other)
            assert not inspect.iscoroutinefunction(one)


@pytest.mark.parametrize("place", TWINS)
def test_methods_do_nothing_but_forward(place: str) -> None:
    tree = ast.parse(textwrap.dedent(inspect.getsource(class_at(place)))).body[0]
    assert isinstance(tree, ast.ClassDef)
    for method in tree.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        statements = method.body[1:] if ast.get_docstring(method) else method.body
        text = "\n".join(ast.unparse(statement) for statement in statements)
        if method.name == "__init__":
            assert text.startswith("super().__init__(lambda: ")
        elif method.decorator_list:
            name, annotation = method.name, ast.unparse(method.returns or ast.Constant(None))
            assert f"{name}: {annotation} = self._async.{name}\nreturn {name}" == text
        else:
            assert text.removeprefix("return ").startswith(("self._call(", "self._run(", "self._keep("))
            assert f".{method.name}" in text
        assert len(statements) == (2 if method.decorator_list else 1)


def test_class_that_is_written_by_hand_has_the_names_and_arguments_too() -> None:
    for name, place in BY_HAND.items():
        ours, theirs = class_at(f"pyrocketmq.remote:{name}"), class_at(place)
        assert public_names(ours) == public_names(theirs)
        for method in public_names(theirs):
            one, other = inspect.getattr_static(ours, method), inspect.getattr_static(theirs, method)
            assert inspect.getdoc(one) == (inspect.getdoc(other) or "").replace("async with", "with")
            if not isinstance(one, property):
                assert list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters)
