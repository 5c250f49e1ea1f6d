"""Kills one of two brokers at random, again and again, under a producer with its default settings.

    python -m tests.soak.kill_one [--count 20] [--seed 0] [--real 5.5.0]

Sends of every kind go on meanwhile. None without a key may fail, nothing acknowledged may be missing, each
sharding key keeps its order, and only what was in flight at a kill, or not answered soon, may be there twice.
Sends with a key have one broker only: those whose time is over before it is back are counted. With ``--real``
the brokers are Apache RocketMQ, which needs Java and Maven.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import uvloop

from tests.promises.cluster import embedded_cluster, real_cluster, running_brokers
from tests.promises.kills import Kills, kill_and_send
from tests.promises.traffic import Account

P999_S = 1.5


def told(name: str, account: Account) -> str:
    return (
        f"{name}: {len(account.acked):,} acknowledged, {len(account.failed)} failed,"
        f" {len(account.unknown)} unknown, p99.9 {account.quantile(0.999) * 1000:.0f} ms,"
        f" longest {max(account.seconds, default=0.0) * 1000:.0f} ms"
    )


def judge(kills: Kills, *, what: str) -> int:
    for account in kills.accounts.values():
        for text in account.texts.values():
            print(text)
    wrong = kills.found.out_of_order()
    accounts = "; ".join(told(kind, account) for kind, account in kills.accounts.items())
    print(
        f"{kills.kills} kills of {what}; {accounts};"
        f" {len(kills.lost())} lost, {kills.found.copies.total()} copies, {kills.extra_copies()} of them of"
        f" messages that were answered at once, {len(wrong)} out of order"
    )
    bad = kills.failures() or kills.lost() or wrong or kills.extra_copies()
    return 1 if bad or kills.accounts["awaited"].quantile(0.999) > P999_S else 0


async def embedded(count: int, seed: int) -> Kills:
    with running_brokers() as members:
        async with embedded_cluster(members, seed) as cluster:
            return await kill_and_send(cluster, count, seed=seed)


def main() -> int:
    parser = argparse.ArgumentParser(description="kill one of two brokers under a producer")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", metavar="VERSION", help="kill brokers of this release of Apache RocketMQ")
    arguments = parser.parse_args()
    count, seed = arguments.count, arguments.seed
    if arguments.real is None:
        return judge(uvloop.run(embedded(count, seed)), what="embedded brokers")
    with (
        tempfile.TemporaryDirectory() as folder,
        real_cluster(arguments.real, Path(folder) / "mq", "kills") as cluster,
    ):
        kills = uvloop.run(kill_and_send(cluster, count, seed=seed, away=5.0, rest=0.02))
    return judge(kills, what=f"brokers of RocketMQ {arguments.real}")


if __name__ == "__main__":
    sys.exit(main())
