"""``flaxfile completion``, ``systemd`` and ``version``: what stands around the commands."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import flaxfile
from flaxfile.cli.options import port
from flaxfile.texts import say

if TYPE_CHECKING:
    import argparse

    from flaxfile.cli.output import Output

__all__ = [
    "configure_completion",
    "configure_systemd",
    "configure_version",
    "run_completion",
    "run_systemd",
    "run_version",
]

# Commands whose first word is a file or folder of this machine.
_TAKES_FILES = ("set", "push", "verify", "fingerprint", "keygen")


def configure_completion(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "examples:\n"
        '  eval "$(flaxfile completion bash)"    in ~/.bashrc; with zsh in ~/.zshrc\n'
        "  flaxfile completion fish > ~/.config/fish/completions/flaxfile.fish"
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def _options() -> dict[str, list[str]]:
    from flaxfile.cli.main import COMMANDS, build_parser  # noqa: PLC0415 - main imports this module by name

    return {
        name: sorted(
            option
            for action in build_parser(name)._actions
            for option in action.option_strings
            if option.startswith("--")
        )
        for name in COMMANDS
    }


def completion(shell: str) -> str:
    """The script for a shell."""
    options = _options()
    if shell == "fish":
        from flaxfile.cli.main import COMMANDS  # noqa: PLC0415

        lines: list[str] = []
        for program in ("flaxfile", "ff"):
            none = f"complete -c {program} -n __fish_use_subcommand -f -a"
            lines += [f"{none} {name} -d {shlex.quote(COMMANDS[name].summary)}" for name in options]
            for name, known in options.items():
                lines += [
                    f"complete -c {program} -n '__fish_seen_subcommand_from {name}' -l {option[2:]}"
                    for option in known
                ]
        return "\n".join(lines)
    cases = "\n".join(
        f"    {name}) options={shlex.quote(' '.join(known))} ;;" for name, known in options.items()
    )
    script = f"""\
_flaxfile() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" name="${{COMP_WORDS[1]}}" options=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=( $(compgen -W {shlex.quote(" ".join(options))} -- "$word") )
    return
  fi
  case "$name" in
{cases}
  esac
  case "$word" in
    -*) COMPREPLY=( $(compgen -W "$options" -- "$word") ) ;;
    *) case "$name" in
      {"|".join(_TAKES_FILES)}) COMPREPLY=( $(compgen -f -- "$word") ) ;;
    esac ;;
  esac
}}
complete -o filenames -F _flaxfile flaxfile ff"""
    if shell == "zsh":
        # Where the settings of the shell have not begun completion yet, this does.
        begin = "(( $+functions[compdef] )) || { autoload -U compinit && compinit -u }\n"
        return begin + "autoload -U +X bashcompinit && bashcompinit\n" + script
    return script


def run_completion(arguments: argparse.Namespace, output: Output) -> int:
    """Print the script."""
    output.plain(completion(arguments.shell))
    return 0


def configure_systemd(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = say(
        "example:\n  flaxfile systemd --storage /srv/files > /etc/systemd/system/flaxfile.service"
    )
    parser.add_argument(
        "--storage", metavar="DIR", default="/var/lib/flaxfile", help=say("folder of the files")
    )
    parser.add_argument("--host", default="127.0.0.1", help=say("address to listen on"))
    parser.add_argument("--port", type=port, default=25555, help=say("port to listen on"))
    parser.add_argument("--user", metavar="NAME", default="flaxfile", help=say("user to run as"))


def _quoted(word: str) -> str:
    """As a unit wants it: its own escapes, quotes only where needed."""
    word = word.replace("\\", "\\\\").replace("%", "%%").replace('"', '\\"')
    return f'"{word}"' if " " in word else word


def unit(program: list[str], arguments: argparse.Namespace) -> str:
    """A unit that can do nothing but keep files in its folder."""
    words = [*program, "serve", "--host", arguments.host, "--port", str(arguments.port)]
    words += ["--storage", arguments.storage]
    # A dollar is a variable in a command line alone.
    quoted = " ".join(_quoted(word).replace("$", "$$") for word in words)
    return f"""\
# Before it starts: useradd --system {arguments.user}; install -d -o {arguments.user} {arguments.storage}
[Unit]
Description=FlaxFile server
After=network-online.target
Wants=network-online.target

[Service]
# FLAXFILE_PASSWORD=... stands in this file, which only root may read.
EnvironmentFile=-/etc/flaxfile/environment
ExecStart={quoted}
User={arguments.user}
Restart=on-failure
RestartSec=2
# Transfers under way get five seconds, and go on at the next start.
TimeoutStopSec=15
LimitNOFILE=65536
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict
ProtectHome=true
ReadWritePaths={_quoted(arguments.storage)}

[Install]
WantedBy=multi-user.target"""


def run_systemd(arguments: argparse.Namespace, output: Output) -> int:
    """Print the unit."""
    arguments.storage = str(Path(arguments.storage).absolute())
    found = shutil.which("flaxfile")
    program = [found] if found else [sys.executable, "-m", "flaxfile"]
    output.plain(unit(program, arguments))
    return 0


def configure_version(parser: argparse.ArgumentParser) -> None:
    """It has no arguments."""
    parser.epilog = say("example:\n  flaxfile version --json")


def run_version(arguments: argparse.Namespace, output: Output) -> int:
    """Ours, and those of what we stand on where somebody wants to know."""
    document: dict[str, object] = {"op": "version", "flaxfile": flaxfile.__version__, "protocol": 2}
    if arguments.verbose or output.json:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        document["python"] = ".".join(str(part) for part in sys.version_info[:3])
        document["platform"] = f"{sys.platform} {os.name}"
        for name in ("pyzmq", "argon2-cffi", "blake3", "rich", "watchfiles"):
            try:
                document[name] = version(name)
            except PackageNotFoundError:
                document[name] = None
    output.line(f"flaxfile {flaxfile.__version__}")
    if arguments.verbose:
        output.lines([f"  {name} {value}" for name, value in list(document.items())[3:]])
    output.document(document)
    return 0
