"""The names of the founding documents: importable, callable by name and in the listed position.

``tests/data/FEATURES-API.txt`` explains its own form. The modules of ``BUILT`` and below are checked.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import pyrocketmq

API = Path(__file__).parent.parent / "data" / "FEATURES-API.txt"
BUILT = (
    "pyrocketmq.broker",
    "pyrocketmq.logging",
    "pyrocketmq.model",
    "pyrocketmq.nameserver",
    "pyrocketmq.producer",
    "pyrocketmq.remote",
    "pyrocketmq.transport",
)


class Entry(NamedTuple):
    """One line of the list: ``owner`` is empty for what stands in the module itself."""

    module: str
    owner: str
    kind: str
    name: str
    params: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        return ":".join(part for part in (self.module, self.owner, self.name or self.kind) if part)


_CALL = re.compile(r"(\w+)(?:\((.*)\))?$")


def read_api() -> Iterator[Entry]:
    """Every line of the list for the modules of ``BUILT``."""
    module = owner = ""
    for raw in API.read_text("utf-8").partition("==== NAMES ====")[2].splitlines():
        line = re.sub(r"\s+#.*", "", raw).rstrip()
        if not line:
            continue
        word, _, rest = line.strip().partition(" ")
        if word == "module":
            module, owner = rest.strip(), ""
            if module.startswith(BUILT):
                yield Entry(module, "", "module", "")
        elif module.startswith(BUILT):
            if not raw.startswith(" "):
                if word == "class":
                    match = re.fullmatch(r"(\w+)(?:\((\w*)\))?(?: init\((.*)\))?", rest)
                    assert match, line
                    owner = match[1]
                    yield Entry(module, "", "class", owner, match[3])
                else:
                    owner = ""
                    yield read_plain(module, word, rest)
            elif word == "fields:":
                for part in rest.split(","):
                    name, _, value = part.strip().partition("=")
                    yield Entry(module, owner, "field", name, None, value or None)
            else:
                yield read_member(module, owner, line.strip())


def read_plain(module: str, word: str, rest: str) -> Entry:
    if word == "name":
        name, _, value = rest.partition(" = ")
        return Entry(module, "", "name", name, None, value or None)
    assert word == "def", rest
    match = _CALL.match(rest)
    assert match, rest
    return Entry(module, "", "function", match[1], match[2])


def read_member(module: str, owner: str, line: str) -> Entry:
    kind = "method"
    for prefix, meaning in (("async ", "async"), ("static ", "static"), ("class ", "class method")):
        if line.startswith(prefix):
            kind, line = meaning, line.removeprefix(prefix)
    match = _CALL.match(line)
    assert match, line
    return Entry(module, owner, kind if match[2] is not None else "property", match[1], match[2])


ENTRIES = list(read_api())


def stub_signature(cls: type, method: str) -> inspect.Signature:
    """The signature that the stub of a compiled class gives a method, without its first argument."""
    stub = Path(pyrocketmq.__file__).parents[1] / Path(*cls.__module__.split(".")).with_suffix(".pyi")
    for node in ast.parse(stub.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == method:
                    return signature_of(item)
    raise LookupError(f"{stub.name} has no {cls.__name__}.{method}")


def signature_of(node: ast.FunctionDef) -> inspect.Signature:
    positional = [*node.args.posonlyargs, *node.args.args][1:]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults))
    listed = [
        (arg, default, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for arg, default in zip(positional, [*defaults, *node.args.defaults], strict=True)
    ] + [
        (arg, default, inspect.Parameter.KEYWORD_ONLY)
        for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    return inspect.Signature(
        [
            inspect.Parameter(
                arg.arg,
                kind,
                default=inspect.Parameter.empty if default is None else ast.literal_eval(default),
            )
            for arg, default, kind in listed
        ]
    )


def signature_for(entry: Entry, target: Any, owner: Any) -> inspect.Signature:
    """The signature as its caller sees it: without self."""
    if entry.kind == "class":
        try:
            return inspect.signature(target)
        except ValueError:
            method = "__new__" if "__new__" in vars(target) and "__init__" not in vars(target) else "__init__"
            try:
                return stub_signature(target, method)
            except LookupError:
                return stub_signature(target, "__new__")
    if owner is None or entry.kind in ("static", "class method"):
        return inspect.signature(target)
    try:
        signature = inspect.signature(target)
    except ValueError:
        return stub_signature(owner, entry.name)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def check_params(entry: Entry, signature: inspect.Signature) -> None:
    """Every listed parameter is there by name, in its position and with its default; others have defaults."""
    actual = list(signature.parameters.values())
    parts = [part.strip() for part in (entry.params or "").split(",") if part.strip()]
    for position, part in enumerate(parts):
        name, has_default, default = part.partition("=")
        if name.startswith("*"):
            assert actual[position].kind is inspect.Parameter.VAR_POSITIONAL, f"{entry}: {part}"
            continue
        assert position < len(actual), f"{entry}: {part} is missing"
        assert actual[position].name == name, (
            f"{entry}: position {position} is {actual[position]}, not {part}"
        )
        assert actual[position].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD, f"{entry}: {part}"
        if has_default and default != "...":
            assert actual[position].default == ast.literal_eval(default), f"{entry}: {part}"
    listed = {part.lstrip("*").partition("=")[0] for part in parts}
    for parameter in actual:
        optional = parameter.default is not inspect.Parameter.empty or parameter.kind in (
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        )
        assert parameter.name in listed or optional, f"{entry}: {parameter} is required but not listed"


def test_the_list_is_read_completely() -> None:
    kinds = {entry.kind for entry in ENTRIES}

    assert kinds == {
        "module",
        "class",
        "class method",
        "static",
        "method",
        "async",
        "property",
        "field",
        "function",
        "name",
    }
    assert sum(entry.kind == "module" for entry in ENTRIES) == 40
    assert sum(entry.kind == "static" for entry in ENTRIES) == 25


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_a_name_of_the_founding_documents_works_as_written(entry: Entry) -> None:
    module = importlib.import_module(entry.module)
    if entry.kind == "module":
        return
    owner = getattr(module, entry.owner) if entry.owner else None
    if entry.kind == "property" and not hasattr(owner, entry.name):
        # An attribute of its objects.
        made = inspect.getsource(inspect.getattr_static(owner, "__init__"))
        assert re.search(rf"self\.{entry.name}\b.* = ", made)
        return
    target = getattr(module if owner is None else owner, entry.name)
    if entry.kind == "field":
        assert entry.value is None or target == ast.literal_eval(entry.value)
    elif entry.kind == "class":
        assert isinstance(target, type)
    elif entry.kind in ("static", "class method"):
        assert owner is not None
        kind = {"static": staticmethod, "class method": classmethod}[entry.kind]
        assert isinstance(inspect.getattr_static(owner, entry.name), kind)
    if entry.params is not None:
        assert callable(target)
        check_params(entry, signature_for(entry, target, owner))


def test_a_class_listed_in_several_modules_is_one_class() -> None:
    places: dict[str, set[int]] = {}
    for entry in ENTRIES:
        if entry.kind == "class" and not entry.owner:
            found = getattr(importlib.import_module(entry.module), entry.name)
            places.setdefault(entry.name, set()).add(id(found))

    assert {name for name, ids in places.items() if len(ids) > 1} == set()


@pytest.mark.parametrize("name", BUILT)
def test_every_public_name_of_a_package_can_be_imported(name: str) -> None:
    package = importlib.import_module(name)

    assert len(package.__all__) == len(set(package.__all__))
    for public in package.__all__:
        assert getattr(package, public) is not None
