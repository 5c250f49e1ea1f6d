"""The bench command without a server: the core, results, pictures, comparisons."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pyrocketmq.cli.benching import codec
from pyrocketmq.cli.benching.chart import draw
from pyrocketmq.cli.benching.figures import PERCENTILES, latency_figures, percentile, spread_of
from pyrocketmq.cli.benching.live import bars_of, open_view
from pyrocketmq.cli.benching.meter import Meter
from pyrocketmq.cli.benching.result import Result, read_result
from pyrocketmq.cli.benching.tables import comparison_of
from pyrocketmq.cli.output import Output
from pyrocketmq.cli.problems import UsageError
from pyrocketmq.testing import LocalRocketMQ

from .conftest import Run, Terminal


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_LEAST_SECONDS", 0.0)


def result_of(**runs: list[dict[str, float]]) -> Result:
    result = Result("send", {"size": 100}, machine={"processor": "<one> & only"})
    for name, figures in runs.items():
        result.row(name).runs += figures
    return result


def parse(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 - the picture is our own


class TestFigures:
    def test_a_percentile_is_a_value_that_was_measured(self) -> None:
        assert [1, 5, 10, 10] == [percentile(range(1, 11), share) for share in (1, 50, 99, 100)]
        assert 7.5 == percentile([7.5], 99.9)

    def test_a_spread_leaves_out_what_is_rare(self) -> None:
        spread = spread_of([10, 11, 12, 13, 14, 15, 16, 1000])

        assert (13.5, 11, 15) == (spread.median, spread.low, spread.high)
        assert (2, 1, 3) == (spread_of([3, 1]).median, spread_of([3, 1]).low, spread_of([3, 1]).high)

    def test_times_become_percentiles_in_microseconds(self) -> None:
        figures = latency_figures([number * 1000 for number in range(1, 1001)])

        assert {"p50_us": 500, "p90_us": 900, "p99_us": 990, "p99_9_us": 999, "max_us": 1000} == figures
        assert {} == latency_figures([])

    def test_a_meter_tells_time_and_memory_of_what_is_inside(self) -> None:
        with Meter() as meter:
            kept = b"x" * (64 << 20)
        figures = meter.figures(1000, 100)

        assert 64 <= figures["memory_mb"]
        assert figures["mb_per_second"] == pytest.approx(figures["per_second"] / 10_000)
        assert figures["cpu_us"] > 0
        assert kept

    def test_bars_are_as_high_as_the_values(self) -> None:
        assert "\u2581\u2585\u2588" == bars_of([0, 4, 8])
        assert not bars_of([0, 0])


class TestCodec:
    @pytest.mark.usefixtures("quick")
    def test_every_work_has_figures_of_every_run(self, run: Run) -> None:
        value = run("bench", "codec", "--runs", "3", "--size", "1k", "--json").value

        assert ("codec", 1024, 3) == (value["bench"], value["settings"]["size"], value["settings"]["runs"])
        assert "processor" in value["machine"]
        assert len(value["rows"]) > 5
        for row in value["rows"]:
            assert 3 == len(row["runs"])
            figure = row["figures"]["ns"]
            assert 0 < figure["low"] <= figure["median"] <= figure["high"]

    def test_the_works_do_what_they_are_called(self) -> None:
        works = codec.codec_works(100)

        frames = {name: work() for name, work in works.items() if "header" in name and "frame" in name}
        assert all(isinstance(size, int) and size > 100 * codec.MESSAGES for size in frames.values())
        assert frames["send frame, binary header"] < frames["send frame, JSON header"]  # type: ignore[operator]
        read: Any = works["batch of 100, read"]()
        assert [b"x" * 100] * 100 == [record.body for record in read]
        pulled: Any = works["pull answer of 100, read"]()
        assert [(b"x" * 100, f"key-{number}", "bench") for number in range(100)] == pulled
        answers: Any = works["answer, binary header"]()
        assert ["7F0000010000B37B0000000000000000"] * 100 == answers

    @pytest.mark.usefixtures("quick")
    def test_people_see_a_table_and_the_machine(self, run: Run) -> None:
        ended = run("bench", "codec", "--runs", "2")

        assert 0 == ended.code
        assert re.search(r"make a message +[\d,]+ .* +[\d.,]+", ended.out)
        assert "medians of 2 runs" in ended.out
        assert "python CPython" in ended.out

    @pytest.mark.usefixtures("quick")
    def test_a_result_is_written_drawn_and_compared_with(self, run: Run, tmp_path: Path) -> None:
        before, picture = str(tmp_path / "before.json"), tmp_path / "codec.svg"
        assert 0 == run("bench", "codec", "--runs", "1", "--output", before).code

        ended = run(
            "bench", "codec", "--runs", "1", "--compare", before, "--svg", str(picture), "--size", "9"
        )

        assert "TIMES AS GOOD" in ended.out
        assert "other setting: size was 100, is 9" in ended.out
        drawn = parse(picture.read_text())
        assert any(each.get("class") == "old" for each in drawn.iter())
        value = run("bench", "codec", "--runs", "1", "--compare", before, "--json").value
        assert {"unknown"} == {each["verdict"] for each in value["compared"]["figures"]}

    @pytest.mark.parametrize("size", ["0", "5m", "x"])
    def test_a_size_that_no_body_has_is_refused(self, run: Run, size: str) -> None:
        ended = run("bench", "codec", "--size", size)

        assert (2, "") == (ended.code, ended.out)
        assert "size" in ended.err

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (None, "cannot be read"),
            ("{", "no result"),
            ("[]", "format"),
            ('{"format": 1}', "no result"),
            (json.dumps({**result_of(a=[{"ns": 1}]).to_dict(), "bench": "send"}), "`bench send`"),
            (json.dumps({**result_of().to_dict(), "rows": [{"name": "a", "runs": []}]}), "without runs"),
        ],
    )
    def test_a_result_that_cannot_be_compared_with_costs_no_run(
        self, run: Run, tmp_path: Path, text: str | None, reason: str
    ) -> None:
        path = tmp_path / "other.json"
        if text is not None:
            path.write_text(text)

        ended = run("bench", "codec", "--compare", str(path))

        assert (2, "") == (ended.code, ended.out)
        assert reason in ended.err
        assert "Try:" in ended.err

    def test_a_folder_that_is_not_there_is_told_before_the_first_run(self, run: Run, tmp_path: Path) -> None:
        for option in ("--output", "--svg"):
            ended = run("bench", "codec", option, str(tmp_path / "no" / "file"))
            assert (2, True) == (ended.code, "does not exist" in ended.err)


class TestResults:
    def test_one_is_the_same_after_it_was_written(self, tmp_path: Path) -> None:
        result = result_of(submit=[{"per_second": 10.0, "p50_us": 3.0}, {"per_second": 12.0}])
        path = tmp_path / "result.json"
        path.write_text(json.dumps(result.to_dict()))

        assert result.to_dict() == read_result(str(path)).to_dict()

    def test_a_figure_that_is_no_number_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "result.json"
        path.write_text(json.dumps(result_of(a=[{"ns": 1.0}]).to_dict()).replace("1.0", '"NaN"'))

        with pytest.raises(UsageError, match="no number"):
            read_result(str(path))

    def test_a_comparison_knows_which_way_is_better_and_what_runs_cannot_tell(self) -> None:
        before = result_of(
            submit=[{"per_second": value, "cpu_us": value} for value in (100, 101, 102, 103)],
            once=[{"per_second": 1.0}],
            noisy=[{"per_second": value} for value in (50, 200, 60, 300)],
        )
        now = result_of(
            submit=[{"per_second": value, "cpu_us": value} for value in (200, 202, 204, 206)],
            noisy=[{"per_second": value} for value in (100, 110, 90, 120)],
            new=[{"per_second": 1.0}],
            once=[{"per_second": value} for value in (7, 8, 9)],
        )

        compared = {(row["name"], row["figure"]): row for row in comparison_of(now, before)}

        assert {"submit", "noisy", "once"} == {name for name, _ in compared}
        faster, dearer = compared["submit", "per_second"], compared["submit", "cpu_us"]
        assert (2.0, "better") == (faster["times_as_good"], faster["verdict"])
        assert (0.5, "worse") == (dearer["times_as_good"], dearer["verdict"])
        assert "same" == compared["noisy", "per_second"]["verdict"]
        assert "unknown" == compared["once", "per_second"]["verdict"]

    def test_a_picture_has_a_bar_for_each_figure_and_escapes_names(self) -> None:
        result = result_of(
            submit=[{"per_second": 10.0}, {"per_second": 20.0}], single=[{"p50_us": 5.0, "max_us": 9.0}]
        )

        drawn = parse(draw(result))

        texts = ["".join(each.itertext()) for each in drawn.iter() if each.tag.endswith("text")]
        assert 3 == sum(each.get("class") == "bar" for each in drawn.iter())
        assert {"submit", "single p50", "single max"} <= set(texts)
        assert any("<one> & only" in text for text in texts)


class TestViews:
    def test_a_terminal_sees_the_rate_of_the_last_moments_and_keeps_a_line_for_each_run(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        stream = Terminal()
        view = open_view(Output(stream=stream))

        for number in (0, 1):
            view.begin("submit", number, 5)
            for look in (1, 2, 3):
                view.look(look * look * 1000, look * 0.1)
            view.end({"per_second": 9000.0 + number, "cpu_us": 0.5})
        view.close()

        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
        assert "submit, warming up" in text
        assert "\u2582\u2585\u2588" in text
        assert "50,000/s" in text
        assert "submit, run 1 of 5: messages/s 9,001, cpu us 0.50" in text
        assert "9,000" not in text

    def test_a_pipe_gets_a_line_for_each_run_and_json_none(self) -> None:
        people, programs = io.StringIO(), io.StringIO()
        for output in (Output(stream=people), Output(stream=programs, json=True)):
            view = open_view(output)
            for number in (0, 1, 2):
                view.begin("submit", number, 2)
                view.look(10, 1.0)
                view.end({"ns": 5.0})
            view.close()

        assert ["submit, run 1 of 2: ns 5.0", "submit, run 2 of 2: ns 5.0"] == people.getvalue().splitlines()
        assert not programs.getvalue()


@pytest.fixture(scope="module")
def server() -> Iterator[LocalRocketMQ]:
    with LocalRocketMQ() as started:
        yield started


class TestSending:
    def test_every_way_has_figures_and_what_was_sent_is_counted(
        self, run: Run, server: LocalRocketMQ
    ) -> None:
        options = ["--runs", "1", "--seconds", "0.05", "--tasks", "8", "--threads", "2", "--batch", "10"]
        ended = run("bench", "send", "all", *options, "--nameserver", server.addr, "--json")

        value = ended.value
        assert 0 == ended.code
        assert {
            "awaited, 8 tasks",
            "submit",
            "batches of 10, 8 under way",
            "one-way",
            "send, 2 threads",
        } == {row["name"] for row in value["rows"]}
        for row in value["rows"]:
            assert row["figures"]["per_second"]["median"] > 0
            assert row["figures"]["memory_mb"]["median"] > 1
        counts = value["counts"]
        # More when the machine is busy: what is not answered in time is sent again.
        assert counts["stored"] >= counts["sent"] + counts["sent one-way"]
        assert 0 == counts["failed"]
        assert len(server.messages("all")) == counts["stored"]

    def test_latency_has_percentiles(self, run: Run, server: LocalRocketMQ) -> None:
        options = ["--runs", "2", "--seconds", "0.05", "--binary", "--spin", "1ms"]
        ended = run("bench", "latency", *options, "--nameserver", server.addr, "--json")

        for row in ended.value["rows"]:
            figures = [row["figures"][name]["median"] for name in PERCENTILES]
            assert sorted(figures) == figures
            assert figures[0] > 1
        assert ("binary", 0.001) == (ended.value["settings"]["header"], ended.value["settings"]["spin"])

    def test_it_brings_a_server_of_its_own(self, run: Run) -> None:
        ended = run("bench", "send", "--serve", "--way", "submit", "--runs", "1", "--seconds", "0.05")

        assert 0 == ended.code
        assert re.search(r"submit +[\d,]+", ended.out)
        assert "stored" in ended.out

    def test_errors_are_counted_by_what_they_are(self, run: Run, server: LocalRocketMQ) -> None:
        with server.faults.add("send:error=MESSAGE_ILLEGAL:topic=wrong:skip=1:times=1"):
            ended = run(
                *("bench", "latency", "wrong", "--way", "alone", "--runs", "1", "--seconds", "0.1"),
                *("--nameserver", server.addr, "--json"),
            )

        assert 4 == ended.code
        assert 1 == ended.value["counts"]["failed"]
        assert [1] == list(ended.value["failures"].values())

    @pytest.mark.parametrize(
        ("words", "code", "reason"),
        [
            (("send", "--serve", "--nameserver", "x:1"), 2, "names one"),
            (("send", "--way", "fast"), 2, "fast"),
            (("send", "--seconds", "0"), 2, "seconds"),
            (("send", "--runs", "0"), 2, "runs"),
            (("send", "a b"), 1, "topic"),
            (("latency", "--spin", "1h"), 2, "spin"),
        ],
    )
    def test_wrong_use_is_told_before_anything_is_sent(
        self, run: Run, dead_address: str, words: tuple[str, ...], code: int, reason: str
    ) -> None:
        more = () if "--nameserver" in words else ("--nameserver", dead_address, "--timeout", "1")

        ended = run("bench", *words, *more)

        assert (code, True) == (ended.code, reason in ended.err)

    def test_no_server_is_told(self, run: Run, dead_address: str) -> None:
        ended = run("bench", "send", "--nameserver", dead_address, "--timeout", "1")

        assert (3, True) == (ended.code, dead_address in ended.err)
