"""What a producer with its default settings makes of busy, hanging and absent brokers and name servers.

    python -m tests.soak.send_outages [--sends 16000] [--away 1 10 60] [--real 5.5.0]

Busy, hanging and name servers: no send may fail. No broker at all: sends end with an error in their time, and
go on within 3 seconds after a broker is back. With ``--real`` the brokers are Apache RocketMQ.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from pyrocketmq.server import ServerConfig
from pyrocketmq.testing import LocalRocketMQ
from tests.promises.cluster import Cluster, RealCluster, embedded_cluster, real_cluster, running_brokers
from tests.promises.outages import (
    Outage,
    black_hole,
    busy,
    busy_for_real,
    many_in_flight,
    no_broker,
    no_name_server,
)

RESUME_S = 3.0
TOPICS = ("busy", "black-hole", "no-name-server", "many")
SLACK_S = 0.05


def told(what: str, outage: Outage) -> str:
    account = outage.account
    return (
        f"{what}: {len(account.acked):,} acknowledged, {len(account.failed)} failed,"
        f" {len(account.unknown)} unknown, {len(outage.lost())} lost, {outage.found.copies.total()} copies,"
        f" p99.9 {account.quantile(0.999) * 1000:.0f} ms, longest pause {account.pause:.2f} s,"
        f" goes on after {outage.resumed:.2f} s"
        + (f", {outage.retries:,} sends repeated" if outage.retries else "")
    )


@asynccontextmanager
async def cluster_of(real: str | None, *topics: str) -> AsyncIterator[Cluster]:
    if real is None:
        with running_brokers() as members:
            async with embedded_cluster(members) as cluster:
                yield cluster
    else:
        with (
            tempfile.TemporaryDirectory() as folder,
            real_cluster(real, Path(folder) / "mq", *TOPICS, *topics) as made,
        ):
            yield made


async def run(sends: int, aways: list[float], real: str | None) -> int:
    said: list[str] = []
    bad = 0

    def note(what: str, outage: Outage, *, may_fail: bool = False) -> None:
        nonlocal bad
        said.append(told(what, outage))
        print(said[-1], *outage.account.texts.values(), sep="\n", flush=True)
        failed = bool(outage.account.texts) and not may_fail
        bad += bool(failed or outage.lost() or outage.resumed > RESUME_S)

    if real is None:
        with LocalRocketMQ(ServerConfig(brokers=2)) as rocketmq:
            note("busy for 1 s", await busy(rocketmq, 1.0))
    topics = {away: f"no-broker-for-{away:g}".replace(".", "-") for away in aways}
    async with cluster_of(real, *topics.values()) as cluster:
        if isinstance(cluster, RealCluster):
            note("busy for 1 s", await busy_for_real(cluster, 1.0))
        note("one broker hangs for 10 s", await black_hole(cluster, 10.0))
        note("no name server for 20 s", await no_name_server(cluster, 20.0))
        await cluster.until_listed("many")
        for away, topic in topics.items():
            note(f"no broker for {away:g} s", await no_broker(cluster, away, topic), may_fail=True)
        account, late, after = await many_in_flight(cluster, sends, 1.0, retries=0)
    said.append(
        f"{sends:,} sends without retries in flight while brokers are stopped for 1 s:"
        f" {len(account.acked):,} acknowledged, {len(account.failed)} failed, {len(account.unknown)} unknown,"
        " none later than"
        f" {max(late, 0.0) * 1000:.0f} ms after its deadline, a send 1 s later took {after * 1000:.1f} ms"
    )
    print("; ".join(said))
    return 1 if bad or late > SLACK_S else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="outages under a producer")
    parser.add_argument("--sends", type=int, default=16_000, help="in flight while brokers are stopped")
    parser.add_argument("--away", type=float, nargs="+", default=[1.0, 10.0, 60.0], help="no broker for")
    parser.add_argument("--real", metavar="VERSION", help="a release of Apache RocketMQ")
    arguments = parser.parse_args()
    return uvloop.run(run(arguments.sends, arguments.away, arguments.real))


if __name__ == "__main__":
    sys.exit(main())
