"""`f1 evaluate`, and the prices that forecasts are compared with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from f1_pipeline import cli
from f1_pipeline.domain.vocabulary import BASELINES, COMBINED, HORIZONS, TRAINED_MODELS
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import reads, schema
from f1_pipeline.storage.engine import get_engine
from tests.cli.invoked import LAST, invoke, ok
from tests.quiet import QUIET

pytestmark = QUIET


# --- evaluate --------------------------------------------------------------------------------------------


def test_evaluate(home: Path) -> None:
    found = json.loads(ok("evaluate", "--start-season", "2026", "--end-season", "2026", "--format", "json"))
    assert (found["start_season"], found["end_season"]) == (2026, 2026)
    models = {(row["horizon"], row["model"]) for row in found["models"]}
    assert models == {(h, m) for h in HORIZONS for m in (*TRAINED_MODELS, *COMBINED, *BASELINES[h])}
    for row in found["models"]:
        assert row["races"] == 8
        assert row["log_loss_low"] <= row["log_loss"] <= row["log_loss_high"]
    scores = reads.read_table(get_engine(get_settings().tables_url), schema.model_accuracy)
    mean = scores.groupby(["horizon", "model"])["log_loss"].mean()
    for row in found["models"]:
        assert row["log_loss"] == pytest.approx(mean[(row["horizon"], row["model"])])


def test_evaluate_as_a_table_and_narrowed(home: Path) -> None:
    text = ok("evaluate")
    for name in (*TRAINED_MODELS, *COMBINED, "uniform", "grid_frequency", "standings_frequency"):
        assert name in text
    narrow = json.loads(ok("evaluate", "--horizon", "pre_race", "--model", "elo", "--format", "json"))
    assert [(row["horizon"], row["model"]) for row in narrow["models"]] == [("pre_race", "elo")]
    assert max(map(len, text.splitlines())) <= 120
    for head in ("calib.", "Brier", "podium"):
        assert head in text


def test_evaluate_says_what_the_tables_say(home: Path) -> None:
    """The command computes from rows, the asset fills tables: the same functions, so the same figures."""
    engine = get_engine(get_settings().tables_url)
    summaries = reads.read_table(engine, schema.accuracy_summaries, period="2026")
    summaries = summaries.set_index(["horizon", "model", "score"])
    stored = summaries["mean"]
    for row in json.loads(ok("evaluate", "--format", "json"))["models"]:
        key = (row["horizon"], row["model"])
        for score in (
            "log_loss",
            "brier",
            "binary_brier",
            "rank_error",
            "calibration_error",
            "calibration_error_even",
        ):
            said = [row[score], row[f"{score}_low"], row[f"{score}_high"]]
            written = summaries.loc[(*key, score), ["mean", "low", "high"]].tolist()
            assert said == pytest.approx(written), (key, score)
    reliability = reads.read_table(engine, schema.reliability, period="2026", model="elo")
    printed = json.loads(ok("evaluate", "--reliability", "--model", "elo", "--format", "json"))
    assert (printed["start_season"], printed["model"], len(printed["bins"])) == (
        2026,
        "elo",
        len(reliability),
    )
    keys = ["horizon", "outcome", "bin"]
    shown = pd.DataFrame(printed["bins"]).set_index(keys).sort_index()
    expected = reliability.set_index(keys).sort_index()
    pd.testing.assert_series_equal(shown["observed"], expected["observed"])
    errors = {(row["horizon"], row["bins"]): row for row in printed["errors"]}
    assert set(errors) == {(horizon, bins) for horizon in HORIZONS for bins in ("equal", "even")}
    for (horizon, bins), row in errors.items():
        score = "calibration_error_even" if bins == "even" else "calibration_error"
        assert row["error"] == pytest.approx(stored[horizon, "elo", score])
        assert 0 <= row["chance_low"] <= row["chance"] <= row["chance_high"]
    assert "observed" in ok("evaluate", "--reliability", "--horizon", "pre_race")


def test_evaluate_against_a_model(home: Path) -> None:
    found = json.loads(ok("evaluate", "--against", "uniform", "--horizon", "pre_race", "--format", "json"))
    rows = {row["model"]: row for row in found["models"]}
    assert found["against"] == "uniform"
    assert set(rows) == {*TRAINED_MODELS, *COMBINED, *BASELINES["pre_race"]} - {"uniform"}
    for row in rows.values():
        assert row["races"] == 8
        assert row["difference"] == pytest.approx(row["log_loss"] - row["reference_log_loss"])
        assert row["low"] <= row["difference"] <= row["high"]
    assert "same races" in ok("evaluate", "--against", "pool")
    one = json.loads(ok("evaluate", "--against", "pool", "--model", "elo", "--format", "json"))
    assert [(row["horizon"], row["model"]) for row in one["models"]] == [(h, "elo") for h in sorted(HORIZONS)]


# --- odds ------------------------------------------------------------------------------------------------


def _book(file: Path, race: str, hours: float) -> Path:
    """A file with prices of everybody, taken some hours before the forecast's cutoff."""
    rows = reads.read_table(get_engine(get_settings().tables_url), schema.predictions, [race])
    rows = rows[(rows["horizon"] == "pre_race") & (rows["model"] == "elo")]
    moment = (rows["cutoff"].iloc[0] - pd.Timedelta(hours=hours)).isoformat()
    lines = ["Race,Driver,Decimal Odds,Time,Bookmaker"]
    for driver, p in zip(rows["driver_id"], rows["win_probability"], strict=True):
        lines.append(f"{race},{driver},{max(1.01, 0.9 / p):.2f},{moment},Acme")
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_odds_are_taken_in_scored_and_shown(copy: Path, tmp_path: Path) -> None:
    assert "no market prices" in ok("odds", "list")
    file = str(_book(tmp_path / "odds.csv", LAST, 1))
    text = ok("odds", "import", file)
    assert "20 prices taken in, 0 corrected, 0 were there already." in text
    assert "next `f1 update`" in text
    again = ok("odds", "import", file)
    assert "0 prices taken in, 0 corrected, 20 were there already." in again
    assert "update" not in again
    (row,) = json.loads(ok("odds", "list", "--format", "json"))
    assert (row["race_key"], row["source"], row["drivers"], row["prices"]) == (LAST, "Acme", 20, 20)
    assert LAST in ok("odds", "list")

    assert "1 races scored" in ok("update")
    found = json.loads(ok("evaluate", "--format", "json"))
    market = [row for row in found["models"] if row["model"] == "market"]
    assert [(row["horizon"], row["races"]) for row in market] == [("pre_race", 1)]
    assert {row["races"] for row in found["against_market"]} == {1}
    assert {row["model"] for row in found["against_market"]} == {
        *TRAINED_MODELS,
        *COMBINED,
        *BASELINES["pre_race"],
    }
    assert "against market" in ok("evaluate")
    assert "market" in ok("evaluate", "--reliability", "--model", "market")

    assert "20 prices removed" in ok("odds", "remove", "--source", "Acme")
    assert "against_market" not in json.loads(ok("evaluate", "--format", "json"))


def test_a_file_with_faults_is_refused_as_a_whole(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _book(tmp_path / "odds.csv", LAST, 1)
    text = file.read_text(encoding="utf-8").splitlines()
    text[3] = f"{LAST},[/nobody],2.0,2026-01-01T00:00:00,Acme"
    text[5] = f"2026-atlantis,{text[5].split(',', 1)[1]}"
    file.write_text("\n".join(text), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["f1", "odds", "import", str(file)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert "3 faults, nothing was written" in lines[0]
    assert [line.split(": ")[0].strip() for line in lines[1:]] == [
        f"line 4, race {LAST}, field driver",
        f"line 4, race {LAST}, field time",
        "line 6, race 2026-atlantis, field race",
    ]
    assert "[/nobody]" in lines[1]
    assert reads.row_counts(get_engine(get_settings().tables_url))["market_odds"] == 0


def test_a_book_that_is_not_whole_is_pointed_out(copy: Path, tmp_path: Path) -> None:
    file = _book(tmp_path / "odds.csv", LAST, 1)
    file.write_text("\n".join(file.read_text(encoding="utf-8").splitlines()[:3]), encoding="utf-8")
    result = invoke("odds", "import", str(file))
    assert result.exit_code == 0
    assert f"{LAST}, Acme: 2 drivers whose inverse odds sum to" in result.stderr
