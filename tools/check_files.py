"""A user's first minute with FlaxFile, by both of its programs, as an installed package has them.

Takes the folder of the programs, and `with` or `without` the extra: without it each command that needs it has
to name the line that installs it. Needs nothing but the package, and no network.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PIP_LINE = "pip install 'pyrocketmq-turbo[files]'"


class Minute:
    """Runs commands of one program in one folder."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FLAXFILE_")}
        self.environment = {**kept, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}

    def run(self, *words: str, code: int = 0) -> str:
        """What a command says; another code ends the check."""
        done = subprocess.run(
            [self.program, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        said = done.stdout + done.stderr
        if done.returncode != code or "Traceback" in said:
            line = f"{self.program.name} {' '.join(words)}"
            sys.exit(f"{line} ended with {done.returncode}, not {code}:\n{said}")
        return said

    def without_extra(self) -> None:
        """Every command that needs the extra says so."""
        (self.folder / "big.bin").write_bytes(b"1")
        for words in (("serve", "--port", "0"), ("set", "big.bin"), ("list",), ("push", ".")):
            said = self.run(*words, code=2)
            if PIP_LINE not in said:
                sys.exit(f"{self.program.name} {words[0]} does not say what to install:\n{said}")
        self.run("--help")
        self.run("version")

    def with_extra(self) -> None:
        """Serve, send, fetch, look."""
        data = os.urandom(5_000_000)
        (self.folder / "big.bin").write_bytes(data)
        server = subprocess.Popen(
            [self.program, "serve", "--port", "0", "--json"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            where = f"127.0.0.1:{json.loads(server.stdout.readline())['port']}"
            self.run("set", "big.bin", "--server", where)
            self.run("get", "big.bin", "copy.bin", "--server", where)
            if (self.folder / "copy.bin").read_bytes() != data:
                sys.exit("copy.bin is not big.bin")
            if "big.bin" not in self.run("list", "--server", where):
                sys.exit("the list does not show big.bin")
            (self.folder / "photos").mkdir()
            (self.folder / "photos" / "cat.jpg").write_bytes(b"meow")
            self.run("push", "photos", "--server", where)
            self.run("pull", "photos", "elsewhere", "--server", where)
            if (self.folder / "elsewhere" / "cat.jpg").read_bytes() != b"meow":
                sys.exit("elsewhere is not photos")
        finally:
            server.terminate()
            code = server.wait(30)
        if code:
            sys.exit(f"{self.program.name} serve ended with {code}")


def main() -> int:
    programs, extra = Path(sys.argv[1]).resolve(), sys.argv[2] == "with"
    for name in ("flaxfile", "ff"):
        with tempfile.TemporaryDirectory() as folder:
            minute = Minute(programs / (f"{name}.exe" if sys.platform == "win32" else name), Path(folder))
            if extra:
                minute.with_extra()
            else:
                minute.without_extra()
    print(f"flaxfile and ff {'work with' if extra else 'ask for'} the extra")
    return 0


if __name__ == "__main__":
    sys.exit(main())
