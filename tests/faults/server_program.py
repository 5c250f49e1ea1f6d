"""An embedded server as a process of its own, to be stopped and killed.

    python -m tests.faults.server_program FOLDER PORT BROKER_PORT

It writes the addresses of its name server and broker as one line of JSON when it serves; 0 takes a free port.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from pyrocketmq.server import EmbeddedServer, ServerConfig


async def serve(folder: Path, port: int, broker_port: int) -> None:
    async with EmbeddedServer(ServerConfig(data=folder, port=port, broker_port=broker_port)) as server:
        print(json.dumps([server.addr, server.brokers[0].address]), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
