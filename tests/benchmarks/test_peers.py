"""The runner of `make bench-peers` beside peers that fail: small shell programs instead of real clients."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from benchmarks.peers.peers import ArmError, PeerError, Program
from benchmarks.peers.report import lines_of, write_report
from benchmarks.peers.results import SILENT, Result, read, write
from benchmarks.peers.rounds import Plan, Rounds
from benchmarks.peers.run import missed_in, parse
from benchmarks.peers.target import WrongCountError
from benchmarks.peers.works import CPP, GO, JAVA, LOOP, NOTHING_LOST, REAL_ROWS, SINK_ROWS, Bound, Row, Work

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.peers import Figures, Peer
    from benchmarks.peers.target import Target

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes cannot be waited for on Windows")

# Answers every line with the count that it was asked for, and in the n-th does what it was told to do there.
FAKE = """
at=$1 fault=$2 seen=0
while read -r kind count rest; do
  seen=$((seen + 1))
  if [ "$seen" = "$at" ]; then
    case $fault in
      hangs) exec sleep 60 ;;
      ends) echo "out of luck" >&2; exit 1 ;;
      half) printf '{"count"'; exit 0 ;;
      stalls) printf '{"count"'; exec sleep 60 ;;
      lies) count=count=1 ;;
    esac
  fi
  printf '{"count":%s,"rate":%s,"cpu_us":1}\\n' "${count#count=}" "$RATE"
done
"""
WARM_UP = 1  # the line that warms up; round n is line n + 1
ROUNDS = 3
COUNT = 40
ROW = Row(
    "one-way",
    Work(kind="oneway"),
    "rate",
    (LOOP,),
    (JAVA, GO),
    (Bound("rate", 2.0, (JAVA,)), Bound("rate", 2.0, (JAVA, GO)), Bound("rate", 2.0, (GO,))),
    count=COUNT,
)
RATES = {LOOP: 300, JAVA: 100, GO: 50}
NEVER = (0, "")


class Fakes:
    """Starts the programs; the n-th of a peer has the n-th of its faults, those after the last none."""

    def __init__(self, folder: Path, **faults: tuple[tuple[int, str], ...]) -> None:
        self.log = folder / "peer.log"
        self.faults = {name: list(each) for name, each in faults.items()}
        self.running: list[Program] = []
        self.started: list[str] = []

    def start(self, name: str, target: Target) -> Peer:
        left = self.faults.get(name.lower(), [])
        at, fault = left.pop(0) if left else NEVER
        script = FAKE.replace("$RATE", str(RATES[name]))
        command = ["sh", "-c", script, "peer", str(at), fault]
        program = Program(name, command, target.topic, self.log, patience=5.0 if fault != "hangs" else 0.03)
        self.started.append(name)
        self.running.append(program)
        return program

    @property
    def all_ended(self) -> bool:
        """Whether no program is left."""
        return all(program._process.poll() is not None for program in self.running)


class Counting:
    """A target that believes all but a count that is not the one of a run."""

    topic = "t"
    name_server = ""
    raw_port = 0

    def begin(self) -> None:
        pass

    def confirm(self, arm: str, figures: Figures) -> Figures:
        if figures["count"] not in (COUNT, COUNT // 20):
            raise WrongCountError("sent something else than it says", arm)
        return figures


def measured(fakes: Fakes, kept: list[list[str]] | None = None) -> Result:
    """The row with fake peers."""

    def keep(result: Result) -> None:
        if kept is not None:
            kept.append([str(len(rounds)) for rounds in result.arms.values()])

    plan = Plan(ROUNDS, 0.01, 1.0, 0.01, settle=0.0)
    rounds = Rounds(ROW, [LOOP, JAVA, GO], fakes, Counting(), plan, tell=lambda _: None)
    try:
        return rounds.run(keep, conditions)
    finally:
        assert fakes.all_ended


def conditions(rounds: int) -> dict[str, str]:
    return {"rounds": str(rounds), "load at the end": "0"}


def answered(result: Result, arm: str) -> list[bool]:
    return [figures is not None for figures in result.arms[arm]]


def ratios(result: Result) -> list[tuple[float, ...]]:
    return [found.ratios for found in result.found if found.bound.figure == "rate"]


def test_peers_that_all_answer_leave_no_note(tmp_path: Path) -> None:
    fakes = Fakes(tmp_path)
    result = measured(fakes)
    assert result.notes == []
    assert fakes.started == [LOOP, JAVA, GO]
    assert ratios(result) == [(3.0,) * 3, (3.0,) * 3, (6.0,) * 3]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hangs", "did not answer"),
        ("ends", "ended"),
        ("half", "ended"),
        ("lies", "sent something else than it says"),
    ],
)
def test_a_rival_that_fails_in_one_round_is_noted_and_started_anew(
    tmp_path: Path, fault: str, reason: str
) -> None:
    fakes = Fakes(tmp_path, java=((WARM_UP + 2, fault),))
    result = measured(fakes)
    assert result.notes == [f"Java: {reason} in round 2 of row one-way"]
    assert answered(result, JAVA) == [True, False, True]
    assert answered(result, GO) == answered(result, LOOP) == [True] * 3
    assert fakes.started.count(JAVA) == 2
    # Only rounds in which all of them have answered are compared.
    assert [len(each) for each in ratios(result)] == [2, 2, 3]


def test_a_rival_that_fails_while_it_warms_up_may_take_part_later(tmp_path: Path) -> None:
    result = measured(Fakes(tmp_path, go=((WARM_UP, "ends"), (WARM_UP, "ends"))))
    assert result.notes == [
        "Go: ended in the warm-up of row one-way",
        "Go: ended in the warm-up before round 1 of row one-way",
    ]
    assert answered(result, GO) == [False, True, True]


def test_a_rival_that_never_answers_leaves_its_bounds_missed(tmp_path: Path) -> None:
    result = measured(Fakes(tmp_path, java=((WARM_UP, "ends"),) * (ROUNDS + 1)))
    assert result.silent == [JAVA]
    beside_java = [found for found in result.found if JAVA in found.bound.against]
    assert len(beside_java) == 3
    assert not any(found.is_kept for found in beside_java)
    assert all(found.is_kept for found in result.found if found not in beside_java)
    for check in ("ratios", "counts"):
        missed = missed_in(result, parse(["--check", check]))
        assert f"one-way: Java: {SILENT}" in missed
        assert len(missed) == (4 if check == "ratios" else 1)
    assert any(SILENT in line for line in lines_of(result))


def test_ours_that_fails_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="out of luck") as caught:
        measured(Fakes(tmp_path, ours=((WARM_UP + 2, "ends"),)))
    assert caught.value.reason == "ended"


def test_a_line_that_is_never_finished_is_not_waited_for_longer(tmp_path: Path) -> None:
    command = ["sh", "-c", FAKE, "peer", "1", "stalls"]
    program = Program("x", command, "t", tmp_path / "log", patience=0.03)
    try:
        with pytest.raises(ArmError) as caught:
            program.measure(ROW.work, 1)
    finally:
        program.close()
    assert caught.value.reason == "did not answer"


def test_what_is_measured_is_handed_over_after_each_round(tmp_path: Path) -> None:
    kept: list[list[str]] = []
    with pytest.raises(PeerError):
        measured(Fakes(tmp_path, ours=((WARM_UP + 3, "ends"),)), kept)
    assert kept == [["1"] * 3, ["2"] * 3]


def test_a_ctrl_c_ends_all_programs_and_leaves_the_rounds_before(tmp_path: Path) -> None:
    fakes = Fakes(tmp_path)
    plan = Plan(ROUNDS, 0.01, 1.0, 0.01)

    def tell(text: str) -> None:
        if text == f"one-way: round 2/{ROUNDS}, {GO}":
            raise KeyboardInterrupt

    def keep(result: Result) -> None:
        write(tmp_path / "sink.json", [result], (ROW,))

    with pytest.raises(KeyboardInterrupt):
        Rounds(ROW, [LOOP, JAVA, GO], fakes, Counting(), plan, tell=tell).run(keep, conditions)
    assert fakes.all_ended
    (result,) = read(tmp_path / "sink.json", (ROW,))
    assert [len(rounds) for rounds in result.arms.values()] == [1, 1, 1]
    assert result.facts["rounds"] == "1"


def test_the_file_and_the_report_tell_who_failed(tmp_path: Path) -> None:
    row = REAL_ROWS[-1]
    assert row.asked[0] == NOTHING_LOST
    good: Figures = {"count": 10, "rate": 100.0, "cpu_us": 1.0, "lost": 0.0}
    arms: dict[str, list[Figures | None]] = {LOOP: [good, good], JAVA: [None, good], GO: [None, None]}
    notes = ["Java: did not answer in round 1 of row one-way"]
    file = tmp_path / "real.json"
    kept = write(file, [Result(row, arms, conditions(2), notes)], REAL_ROWS)
    (again,) = read(file, REAL_ROWS)
    assert (again.arms, again.notes) == (arms, notes)
    write_report(tmp_path, "real", kept)
    report = (tmp_path / "REPORT.md").read_text(encoding="utf-8")
    assert f"- {notes[0]}\n" in report
    assert f"| one-way | Go | {SILENT} |" in report
    assert "| one-way | CPU per message | Go | <= 1 | no answer in any round |  | **missed** |" in report


def test_the_cpp_client_takes_part_only_if_asked_and_only_where_it_can() -> None:
    rows = {row.name: row for row in SINK_ROWS}
    with_cpp = [name for name, row in rows.items() if CPP in row.arms_of([], [CPP])]
    assert "sync, one thread" in with_cpp
    assert "one-way, one thread" in with_cpp
    assert not any("batches" in name or "submit" in name or "1,024" in name for name in with_cpp)
    assert not any(CPP in row.arms_of([], []) for row in rows.values())
    assert rows["sync, one thread"].arms_of([JAVA], [CPP]) == [JAVA, CPP]
