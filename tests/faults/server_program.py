"""An embedded server as a process of its own, to be stopped and killed.

    python -m tests.faults.server_program FOLDER HOST PORT BROKER_PORT

It writes the addresses of its name server and broker as one line of JSON when it serves; 0 takes a free port.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from pyrocketmq.server import EmbeddedServer, ServerConfig


async def serve(folder: Path, host: str, port: int, broker_port: int) -> None:
    config = ServerConfig(data=folder, host=host, port=port, broker_port=broker_port)
    async with EmbeddedServer(config) as server:
        print(json.dumps([server.addr, server.brokers[0].address]), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
