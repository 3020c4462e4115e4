"""The benches run, at a size that tells nothing of speed."""

import json
import math
import sqlite3
from collections import Counter
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench import gate, intake, reconcile, staff, wrk
from bench.intake import Findings
from bench.wrk import Crowd


@pytest.mark.server
def test_the_reconcile_names_and_mends_each_planted_fault(tmp_path: Path) -> None:
    figures = tmp_path / "out" / "reconcile.json"
    reconcile.main(["--subscriptions", "600", "--out", str(figures)])
    told = json.loads(figures.read_text())
    assert set(told["drifts"]) == {"status", "price", "period", "missing_here"}
    assert told["outcomes"] == {"repaired": sum(told["drifts"].values()), "remains": 0, "found": 0}
    assert told["api_calls"] >= 7


TINY = "--databases sqlite --events 30 --rounds 1 --connections 2 --rate 20 --seconds 1 --kills 1"


@pytest.mark.server
def test_the_intake_is_measured_and_loses_nothing_when_the_server_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "out" / "intake.json"
    intake.main([*TINY.split(), "--out", str(figures)])
    told = json.loads(figures.read_text())["intake"]["sqlite"]
    assert told["events"] == 3 + 30 + 20 + 30
    assert [told[fault] for fault in intake.FAULTS] == [0, 0, 0, 0]
    assert told["refused"] == 0
    assert 0 < told["a_second"] < told["empty_a_second"]
    for name in ("", "steady_"):
        assert 0 < told[f"{name}p50_ms"] <= told[f"{name}p99_ms"]
    assert "answered and not stored" in capsys.readouterr().out


def test_an_event_that_was_answered_and_is_gone_is_noticed(tmp_path: Path) -> None:
    place = tmp_path / "paywall.sqlite3"
    with closing(sqlite3.connect(place)) as planted, planted:
        planted.execute("CREATE TABLE stripe_event (event_id TEXT)")
        planted.executemany(
            "INSERT INTO stripe_event VALUES (?)", [("evt_1",), ("evt_2",), ("evt_2",), ("evt_9",)]
        )
    stored = intake.stored(f"sqlite:///{place}")
    assert stored == Counter(evt_1=1, evt_2=2, evt_9=1)
    assert intake.compare(["evt_1", "evt_2", "evt_3"], stored) == Findings(
        lost=1, stored_twice=1, never_sent=1
    )
    assert intake.compare(stored, Counter(dict.fromkeys(stored, 1))) == Findings(0, 0, 0)


# Of the three that compare with a constant view, one: they are measured alike.
SMALLEST = (
    "--databases sqlite --rounds 1 --seconds 1 --articles 100 --readers 100 --tries 4 --walked 60"
    " --parts patrons changes silence pages"
)


@pytest.mark.server
def test_the_gate_is_measured_and_no_answer_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "out" / "gate.json"
    gate.main([*SMALLEST.split(), "--kept", str(tmp_path / "kept"), "--out", str(figures)])
    rows = json.loads(figures.read_text())["gate"]["sqlite"]
    printed = capsys.readouterr().out
    assert all(row["case"] in printed and row["bar"] in printed for row in rows)
    ratios = [row["told"] for row in rows if "ratio" in row["told"]]
    assert len(ratios) == 1
    assert all(0 < told["lowest"] <= told["ratio"] <= told["highest"] for told in ratios)
    changed, ended, silent, pages = [row["told"] for row in rows if "ratio" not in row["told"]]
    assert (changed["tries"], changed["workers"]) == (4, 2)
    assert ended["answers"] > 0
    assert (ended["wrong"], ended["workers"]) == (0, 2)
    assert silent["hung"] >= 4
    assert 0 < pages["store"] <= pages["limit"]


def test_an_answer_that_is_an_error_is_no_figure() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as broken:
        Thread(target=broken.serve_forever, daemon=True).start()
        with pytest.raises(wrk.Failed):
            wrk.come(broken.server_port, Crowd(["/"]), 1)
        broken.shutdown()


@pytest.mark.server
def test_staffs_pages_are_measured_and_none_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "out" / "staff.json"
    smallest = "--databases sqlite --readers 60 --tries 1"
    staff.main([*smallest.split(), "--kept", str(tmp_path / "kept"), "--out", str(figures)])
    told = json.loads(figures.read_text())["sqlite"]["60"]
    assert all(math.isfinite(row["slowest"]) for row in told)
    assert any(row["case"].startswith("/staff/reports/movement") for row in told)
    assert "rolled up anew" in capsys.readouterr().out
