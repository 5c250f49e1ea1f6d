"""Writes the blocking twins of asynchronous classes: same names, same arguments, each method forwards.

    python tools/make_sync.py            write all
    python tools/make_sync.py --check    exit with 1 when a file is not what would be written

A method that gives an asynchronous object cannot be forwarded; its class is written by hand.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src"


@dataclass(frozen=True)
class Twin:
    """One class and its twin, as ``module:Class``."""

    source: str
    twin: str
    bases: tuple[str, ...] = ()
    """Twins of its base classes, as ``module:Class``."""
    kept: tuple[str, ...] = ()
    """Plain methods whose effect an object made after a fork must have as well."""
    attributes: tuple[tuple[str, str, str], ...] = ()
    """Public attributes that its ``__init__`` sets: name, ``module:Class``, docstring."""

    @property
    def module(self) -> str:
        """Where the asynchronous class is."""
        return self.source.partition(":")[0]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.source.partition(":")[2]


# By the module that is written: its docstring, and its classes.
MODULES: dict[str, tuple[str, tuple[Twin, ...]]] = {
    "pyrocketmq.remote.sync_remote": (
        "SyncRemote: calls to one server that block their thread.",
        (
            Twin(
                "pyrocketmq.remote.async_remote:AsyncRemote",
                "pyrocketmq.remote.sync_remote:SyncRemote",
                kept=("on_request",),
                attributes=(
                    (
                        "transport",
                        "pyrocketmq.transport:AsyncTcpTransport",
                        "The transport; it belongs to the engine thread, so look at its states only.",
                    ),
                    ("config", "pyrocketmq.remote.config:RemoteConfig", "Limits of its calls."),
                ),
            ),
        ),
    ),
}

# The operations of a broker lie in several modules, by concern; so do their twins.
BROKER = "pyrocketmq.broker"
BROKER_PARTS = {
    "sending": "SendingCalls",
    "reading": "ReadingCalls",
    "offsets": "OffsetCalls",
    "popping": "PoppingCalls",
    "membership": "MembershipCalls",
    "groups": "GroupCalls",
    "topics": "TopicCalls",
    "operating": "OperatingCalls",
    "users": "UserCalls",
}


def add_part(
    package: str, module: str, name: str, what: str, bases: tuple[str, ...], *, kept: tuple[str, ...] = ()
) -> None:
    """Write the twin of one class of a package into the same module of its folder ``blocking``."""
    place = f"{package}.blocking.{module}"
    twin = Twin(f"{package}.{module}:{name}", f"{place}:Sync{name}", bases, kept)
    MODULES[place] = (f"Sync{name}: {what}", (twin,))


for _module, _name in {"calls": "BrokerCalls", **BROKER_PARTS}.items():
    _bases = () if _module == "calls" else (f"{BROKER}.blocking.calls:SyncBrokerCalls",)
    add_part(BROKER, _module, _name, "operations of a broker that block their thread.", _bases)
add_part(
    BROKER,
    "client",
    "BrokerClient",
    "all operations of one broker, blocking.",
    tuple(f"{BROKER}.blocking.{module}:Sync{name}" for module, name in BROKER_PARTS.items()),
    kept=("on_request",),
)

NAMESERVER = "pyrocketmq.nameserver"
MODULES[f"{NAMESERVER}.blocking.calls"] = (
    "The operations of a name server that block their thread.",
    tuple(
        Twin(f"{NAMESERVER}.calls:{name}", f"{NAMESERVER}.blocking.calls:Sync{name}", bases)
        for name, bases in {
            "NameServerCalls": (),
            "NameServerQueries": (f"{NAMESERVER}.blocking.calls:SyncNameServerCalls",),
            "NameServerChanges": (f"{NAMESERVER}.blocking.calls:SyncNameServerCalls",),
        }.items()
    ),
)
add_part(
    NAMESERVER,
    "client",
    "NameServerClient",
    "all operations of one name server, blocking.",
    tuple(f"{NAMESERVER}.blocking.calls:Sync{name}" for name in ("NameServerQueries", "NameServerChanges")),
)

ADMIN = "pyrocketmq.admin"
ADMIN_PARTS = {
    "topics": "TopicAdmin",
    "groups": "GroupAdmin",
    "progress": "ProgressAdmin",
    "messages": "MessageAdmin",
    "sending": "SendingAdmin",
    "cluster": "ClusterAdmin",
    "access": "AccessAdmin",
}
for _module, _name in {"calls": "AdminCalls", **ADMIN_PARTS}.items():
    _bases = () if _module == "calls" else (f"{ADMIN}.blocking.calls:SyncAdminCalls",)
    add_part(ADMIN, _module, _name, "administration that blocks its thread.", _bases)
add_part(
    ADMIN,
    "client",
    "AdminClient",
    "the administration of whole clusters, blocking.",
    tuple(f"{ADMIN}.blocking.{module}:Sync{name}" for module, name in ADMIN_PARTS.items()),
)

FACE = "pyrocketmq.remote.face:SyncFace"
HEADER = "# Written by tools/make_sync.py from the asynchronous class; do not change it by hand."


class Source:
    """One parsed module: its classes, and where its names come from."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.path = path_of(module)
        self.tree = ast.parse(self.path.read_text(encoding="utf-8"))
        self.classes = {node.name: node for node in self.tree.body if isinstance(node, ast.ClassDef)}
        self.imports: dict[str, str] = {}
        self.names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for item in node.names:
                    shown = item.asname or item.name
                    alias = item.name if shown == item.name else f"{item.name} as {shown}"
                    self.imports[shown] = f"from {node.module} import {alias}"
            elif isinstance(node, ast.Import):
                for item in node.names:
                    self.imports[item.asname or item.name] = f"import {item.name}"
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                self.names |= {target.id for target in targets if isinstance(target, ast.Name)}
        self.names |= self.classes.keys()

    def import_of(self, name: str) -> str | None:
        """The line that brings a name of this module somewhere else; None for a built-in."""
        if name in self.imports:
            return self.imports[name]
        return f"from {self.module} import {name}" if name in self.names else None


class Writer:
    """Collects the text of one written module."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.lines: list[str] = []
        self.runtime: set[str] = set()
        self.typing: set[str] = set()

    def add_class(self, twin: Twin, docstring: str) -> None:
        """Write the twin of one class."""
        source = Source(twin.module)
        node = source.classes[twin.name]
        name = twin.twin.partition(":")[2]
        bases = [self.use(base) for base in twin.bases or (FACE,)]
        self.runtime.add(f"from {twin.module} import {twin.name}")
        self.lines += ["", "", f"class {name}({', '.join(bases)}):", indented(quoted(docstring), 4)]
        members = [item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
        for member in members:
            self.add_method(twin, source, member)
            if member.name == "__init__":
                self.add_attributes(twin)

    def add_attributes(self, twin: Twin) -> None:
        """Write properties that show what the asynchronous object has as attributes."""
        for name, place, docstring in twin.attributes:
            module, _, kind = place.partition(":")
            self.typing.add(f"from {module} import {kind}")
            text = f"@property\ndef {name}(self) -> {kind}:\n"
            text += indented(f"{quoted(docstring)}\n{name}: {kind} = self._async.{name}\nreturn {name}", 4)
            self.lines += ["", indented(text, 4)]

    def use(self, place: str) -> str:
        """Import a class unless it is in this very module; gives its name."""
        module, _, name = place.partition(":")
        if module != self.module:
            self.runtime.add(f"from {module} import {name}")
        return name

    def add_method(self, twin: Twin, source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Write what forwards to one method or property."""
        if node.name == "__init__":
            body = f"super().__init__(lambda: {twin.name}({passed_on(node)}))"
            self.add_function(source, node, body, docstring=None)
            return
        if node.name.startswith("_"):
            return
        decorators = [ast.unparse(item) for item in node.decorator_list]
        docstring = ast.get_docstring(node)
        if decorators == ["classmethod"]:
            return  # another way to make an asynchronous object; a twin has ``over`` for it
        if decorators == ["property"]:
            kind = ast.unparse(node.returns) if node.returns else "object"
            body = f"{node.name}: {kind} = self._async.{node.name}\nreturn {node.name}"
            self.add_function(source, node, body, docstring, "@property\n")
        elif decorators:
            sys.exit(f"{source.path}:{node.lineno}: {node.name} has decorators, which cannot be forwarded")
        else:
            way = "_call" if isinstance(node, ast.AsyncFunctionDef) else "_run"
            way = "_keep" if node.name in twin.kept else way
            gives = node.returns is not None and ast.unparse(node.returns) != "None"
            check_result(source, node)
            call = f"self.{way}({', '.join([f'{twin.name}.{node.name}', passed_on(node)]).rstrip(', ')})"
            self.add_function(source, node, f"return {call}" if gives else call, docstring)

    def add_function(
        self,
        source: Source,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        body: str,
        docstring: str | None,
        before: str = "",
    ) -> None:
        """Write a function with the arguments of another one."""
        defaults = [item for item in (*node.args.defaults, *node.args.kw_defaults) if item is not None]
        for part in defaults:
            self.note_names(source, part, self.runtime)
        for kind in (*(item.annotation for item in all_arguments(node)), node.returns):
            if kind is not None:
                self.note_names(source, kind, self.typing)
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        text = f"{before}def {node.name}({ast.unparse(node.args)}){returns}:\n"
        if docstring is not None:
            text += indented(quoted(docstring), 4) + "\n"
        text += indented(body, 4)
        self.lines += ["", indented(text, 4)]

    def note_names(self, source: Source, node: ast.expr, imports: set[str]) -> None:
        """Remember the imports that an expression needs."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                line = source.import_of(part.id)
                if line:
                    imports.add(line)

    def text(self, docstring: str, names: list[str]) -> str:
        """The whole module."""
        typing = sorted(self.typing - self.runtime)
        if any("import Self" in line for line in typing):
            self.runtime |= {line for line in typing if "import Self" in line}
            typing = [line for line in typing if "import Self" not in line]
        runtime = self.runtime | {line for line in ("from typing import TYPE_CHECKING",) if typing}
        lines = [HEADER, quoted(docstring), "", "from __future__ import annotations", "", *sorted(runtime)]
        if typing:
            lines += ["", "if TYPE_CHECKING:", *(f"    {line}" for line in typing)]
        lines += ["", f"__all__ = {sorted(names)!r}", *self.lines]
        return "\n".join(lines) + "\n"


def all_arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    """The arguments of a function, of every kind."""
    args = node.args
    rest = [item for item in (args.vararg, args.kwarg) if item is not None]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *rest]


def passed_on(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The arguments of a call that hands on what a function got, without self."""
    args = node.args
    parts = [item.arg for item in (*args.posonlyargs, *args.args)][1:]
    if args.vararg:
        parts.append(f"*{args.vararg.arg}")
    parts += [f"{item.arg}={item.arg}" for item in args.kwonlyargs]
    if args.kwarg:
        parts.append(f"**{args.kwarg.arg}")
    return ", ".join(parts)


def check_result(source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Refuse a method that gives something which has to be awaited itself."""
    returns = ast.unparse(node.returns) if node.returns else ""
    if any(word in returns for word in ("Async", "Awaitable", "Future", "Task", "Self", "Coroutine")):
        sys.exit(f"{source.path}:{node.lineno}: {node.name} gives {returns}, which cannot be forwarded")


def path_of(module: str) -> Path:
    """The file of a module."""
    return SOURCES.joinpath(*module.split(".")).with_suffix(".py")


def indented(text: str, columns: int) -> str:
    """The text, moved to the right."""
    return textwrap.indent(text, " " * columns)


def quoted(docstring: str) -> str:
    """A docstring with its quotes."""
    return f'"""{docstring}\n"""' if "\n" in docstring else f'"""{docstring}"""'


def class_docstring(twin: Twin) -> str:
    """What a twin says of itself: the arguments are those of its source."""
    text = ast.get_docstring(Source(twin.module).classes[twin.name]) or ""
    rest = text.partition("\nArgs:")[2]
    first = f"The blocking twin of {twin.name}, for any number of threads."
    note = "Callbacks and handlers run on the engine thread, so they must not block." if twin.kept else ""
    arguments = f"Args:{rest}" if rest else ""
    return "\n\n".join(part for part in (first, note, arguments) if part)


def written(module: str) -> str:
    """The text of a module, formatted."""
    docstring, twins = MODULES[module]
    writer = Writer(module)
    for twin in twins:
        writer.add_class(twin, class_docstring(twin))
    names = [twin.twin.partition(":")[2] for twin in twins]
    text = writer.text(docstring, names)
    name = str(path_of(module))
    for command in (["check", "--fix-only", "--select", "I,F401"], ["format"]):
        run = [sys.executable, "-m", "ruff", *command, "--quiet", "--stdin-filename", name, "-"]
        text = subprocess.run(run, input=text, capture_output=True, text=True, check=True).stdout
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 on a difference")
    check: bool = parser.parse_args().check
    stale = 0
    for module in MODULES:
        path, text = path_of(module), written(module)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if check:
            print(f"{path} is not what tools/make_sync.py writes: run it")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
