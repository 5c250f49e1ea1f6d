"""An embedded broker in a process of its own: prints its address, and serves until its input ends.

python -m benchmarks.broker.serve [FOLDER]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pyrocketmq.server import EmbeddedServer, ServerConfig


async def serve(folder: Path | None) -> None:
    """Serve until the input ends."""
    async with EmbeddedServer(ServerConfig(data=folder)) as server:
        print(server.brokers[0].address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """On uvloop where it exists."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if sys.platform == "win32":
        asyncio.run(serve(folder))
    else:
        import uvloop  # noqa: PLC0415

        uvloop.run(serve(folder))


if __name__ == "__main__":
    main()
