"""Every decoder gives a result or an error of the package for any bytes, without leaks or much memory.

PYROCKETMQ_FUZZ_CASES: the number of cases over all decoders. PYROCKETMQ_FUZZ_SEED: the seed, printed too.
PYROCKETMQ_FUZZ_LAST: a file that gets each input before it is tried; after a crash it belongs into corpus/.
"""

from __future__ import annotations

import gc
import os
import tracemalloc
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from pyrocketmq.errors import RocketMQError

from .mutation import damaged
from .seeds import MAX_SEED_BYTES
from .targets import Target, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = int(os.environ.get("PYROCKETMQ_FUZZ_CASES") or 20_000)
SEED = int(os.environ.get("PYROCKETMQ_FUZZ_SEED") or 20_240_610)
LAST_INPUT = os.environ.get("PYROCKETMQ_FUZZ_LAST")
CORPUS = Path(__file__).parent / "corpus"
MEASURED_CASES = 150
LEAK_ROUNDS = 60
LEAK_BYTES = 2 * MEASURED_CASES  # a round; any object that every tenth case loses is more

TARGETS = targets()
SHARES = sum(target.share for target in TARGETS)
every_target = pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])


def stream_of(target: Target, purpose: str) -> Random:
    print(f"seed {SEED}, target {target.name}, {purpose}")
    return Random(f"{SEED} {target.name} {purpose}")


@contextmanager
def blamed(target: Target, data: bytes) -> Iterator[None]:
    """Let the package's own errors pass; say which input caused any other."""
    try:
        yield
    except RocketMQError:
        pass
    except BaseException as error:
        error.add_note(f"target {target.name}, {len(data)} bytes: {data.hex()}")
        raise


def corpus_of(target: Target) -> list[Path]:
    return sorted(CORPUS.glob(f"{target.name}-*.bin"))


@every_target
def test_good_inputs_are_read_and_old_offenders_do_no_harm(target: Target) -> None:
    assert target.seeds
    for data in target.seeds:
        with blamed(target, data):
            target.decode(data)
    for path in corpus_of(target):
        data = path.read_bytes()
        with blamed(target, data):
            target.decode(data)


def test_every_corpus_file_belongs_to_a_decoder() -> None:
    names = {target.name for target in TARGETS}
    assert not [path.name for path in CORPUS.iterdir() if path.stem.partition("-")[0] not in names]


@pytest.mark.timeout(1800)  # a million cases under the sanitizers
@every_target
def test_damaged_inputs_are_read_or_refused(target: Target) -> None:
    rng = stream_of(target, "damage")
    offenders = [path.read_bytes() for path in corpus_of(target)]
    pool = target.seeds + [data for data in offenders if len(data) <= MAX_SEED_BYTES]
    decode, repair = target.decode, target.repair
    for _ in range(max(1, CASES * target.share // SHARES)):
        data = damaged(rng, pool, repair)
        if LAST_INPUT:
            Path(LAST_INPUT).write_bytes(data)
        # The same as `blamed`, which would cost as much as the decoders.
        try:
            decode(data)
        except RocketMQError:
            pass
        except BaseException as error:
            error.add_note(f"target {target.name}, {len(data)} bytes: {data.hex()}")
            raise


@every_target
def test_every_refusal_names_the_cause_or_says_what_to_do(target: Target) -> None:
    rng = stream_of(target, "refusals")
    for _ in range(MEASURED_CASES):
        data = damaged(rng, target.seeds, target.repair)
        try:
            target.decode(data)
        except RocketMQError as error:
            refused = error
        else:
            continue
        assert refused.what
        assert refused.advice or refused.likely, f"{refused!r} for {data.hex()}"


@every_target
def test_memory_stays_bounded_by_the_size_of_the_input(target: Target) -> None:
    rng = stream_of(target, "memory")
    inputs = [damaged(rng, target.seeds, target.repair) for _ in range(MEASURED_CASES)]
    for data in inputs:
        with blamed(target, data):
            target.decode(data)  # what is imported or cached on first use is not the input's fault
    tracemalloc.start()
    try:
        for data in inputs:
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            with blamed(target, data):
                target.decode(data)
            used = tracemalloc.get_traced_memory()[1] - before
            assert used <= target.growth * len(data) + target.spare, f"{used} bytes for {data.hex()}"
    finally:
        tracemalloc.stop()


@every_target
def test_nothing_is_left_behind(target: Target) -> None:
    rng = stream_of(target, "leaks")
    inputs = [damaged(rng, target.seeds, target.repair) for _ in range(MEASURED_CASES)]

    def round_of_all() -> int:
        for data in inputs:
            with blamed(target, data):
                target.decode(data)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        # The interpreter keeps names that were looked up; what a case loses is lost in every round.
        levels = [round_of_all()]
        while len(levels) < 2 or levels[-1] > levels[-2] + LEAK_BYTES:
            assert len(levels) < LEAK_ROUNDS, f"each round costs memory: {levels}"
            levels.append(round_of_all())
    finally:
        tracemalloc.stop()
