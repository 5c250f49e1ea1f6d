"""Hashes that pick the queue of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq._native import queuehash as native

from . import baseline
from .arms import Row
from .fixtures import each_arm, run_arm

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

COUNT = 100
EXAMPLES = {
    "20 ASCII characters": [f"customer-{n:011}" for n in range(COUNT)],
    "8 ASCII characters": [f"key-{n:04}" for n in range(COUNT)],
    "12 Chinese characters": [
        chr(0x8BA2 + n) + "\u5355\u53f7\u7801\u67e5\u8be2\u8bf7\u6c42\u6570\u636e\u5e93" for n in range(COUNT)
    ],
}


def row_of(
    name: str,
    keys: list[str],
    ours: Callable[[str], int],
    plain: Callable[[str], int],
    bound: float | None = None,
) -> Row:
    """One hash over one kind of keys."""

    def run() -> None:
        for key in keys:
            ours(key)

    def run_plain() -> None:
        for key in keys:
            plain(key)

    def check() -> None:
        assert [ours(key) for key in keys] == [plain(key) for key in keys]
        if ours is native.java_hash:
            assert [baseline.java_hash_loop(key) for key in keys] == [plain(key) for key in keys]

    return Row(
        name=name,
        module="queuehash",
        ours=run,
        baseline=run_plain,
        operations=COUNT,
        check=check,
        bound=bound,
    )


ROWS = [
    *(
        row_of(f"java hash: {kind}", keys, native.java_hash, baseline.java_hash, bound=10)
        for kind, keys in EXAMPLES.items()
    ),
    row_of("go hash: 20 ASCII characters", EXAMPLES["20 ASCII characters"], native.go_hash, baseline.go_hash),
]


@each_arm(ROWS)
def test_hashes(benchmark: BenchmarkFixture, row: str, arm: str) -> None:
    run_arm(benchmark, ROWS, row, arm)
