"""Real Apache RocketMQ, which the launcher in tools/rocketmq starts and stops."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pyrocketmq.model import AclCredentials

from .server import Security, Server

LAUNCHER = Path(__file__).parents[2] / "tools" / "rocketmq" / "rocketmq-server"
LOCK_SECONDS = 2.0
CHECKS = 3


@dataclass(kw_only=True)
class RealServer(Server):
    """A name server and a broker in two JVMs."""

    def passes(self, seconds: float) -> None:
        time.sleep(seconds)

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def pause(self, looks: int) -> None:
        del looks
        time.sleep(0.03)


@contextmanager
def real_server(
    version: str, folder: Path, *, secured: bool = False, checks: int = CHECKS
) -> Iterator[RealServer]:
    """Start a release, with short times where it has settings for them, and stop it at the end."""
    place = ["--dir", str(folder)]
    options = [
        "--heap",
        "384m",
        "--direct",
        "1g",  # each of its threads that stores anything keeps 4 MiB, and there are over a hundred
        "--namesrv-port",
        "0",
        "--broker-port",
        "0",
        "--fast-txn",
    ]
    options += [f"--jvm=-Drocketmq.broker.rebalance.lockMaxLiveTime={LOCK_SECONDS * 1000:.0f}"]
    options += ["--conf", f"transactionCheckMax={checks}", "--conf", "traceTopicEnable=true"]
    if secured:
        options += ["--acl", "--tls"]
    up = launch("up", "--version", version, *place, *options)
    if "bind" in up.stderr:
        # A port that was free when it was picked may be taken a moment later, by any program.
        up = launch("up", "--version", version, *place, *options)
    if up.returncode:
        # Without servers there is nothing to test; one clear text is better than an error for each test.
        pytest.exit(f"RocketMQ {version} could not be started:\n{up.stderr}", returncode=1)
    facts = json.loads(up.stdout)
    try:
        ((name, address),) = facts["brokers"].items()
        yield RealServer(
            kind=version,
            name_server=facts["namesrv_addr"],
            broker=address,
            broker_name=name,
            lock_seconds=LOCK_SECONDS,
            check_seconds=1.0,  # --fast-txn
            check_max=checks,
            security=security(facts) if secured else None,
        )
    finally:
        down = launch("down", *place, "--now", "--wipe")
    assert down.returncode == 0, down.stderr
    assert not folder.exists()


def security(facts: dict[str, Any]) -> Security:
    admin, app = [AclCredentials(**facts["acl"][name]) for name in ("admin", "app")]
    return Security(ca_file=Path(facts["tls"]["ca"]), admin=admin, app=app)


def launch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(LAUNCHER), *arguments], capture_output=True, text=True, check=False
    )
