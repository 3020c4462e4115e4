"""The benches run, at a size that tells nothing of speed."""

import json
from pathlib import Path

import pytest

from bench import reconcile


@pytest.mark.server
def test_the_reconcile_names_and_mends_each_planted_fault(tmp_path: Path) -> None:
    figures = tmp_path / "out" / "reconcile.json"
    reconcile.main(["--subscriptions", "600", "--out", str(figures)])
    told = json.loads(figures.read_text())
    assert set(told["drifts"]) == {"status", "price", "period", "missing_here"}
    assert told["outcomes"] == {"repaired": sum(told["drifts"].values()), "remains": 0, "found": 0}
    assert told["api_calls"] >= 7
