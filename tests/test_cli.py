"""The command line, on tables made by a small simulated update."""

import csv
import importlib
import io
import json
import re
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from f1_pipeline import cli
from f1_pipeline.domain.vocabulary import BASELINES, COMBINED, HORIZONS, POOL, TRAINED_MODELS
from f1_pipeline.settings import get_settings
from f1_pipeline.storage import migrate, reads, schema
from f1_pipeline.storage.engine import get_engine

# Ranges in one run are beta, partitioned checks preview; Dagster asks pydantic for the old name of a field; MLflow's
# tables are older than SQLAlchemy, and it warns of the hints of its own class.
pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore:The `__fields__` attribute is deprecated"),
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]

# Two seasons and eight races: the third season is forecast, each horizon by one version.
SETTINGS = {
    "F1_SOURCE": "simulated",
    "F1_SIMULATED_SEASONS": "2",
    "F1_DRAWS": "200",
    "F1_RETRAIN_RECENT": "season",
}
REQUIRED = [
    "race_key",
    "season",
    "round",
    "horizon",
    "model",
    "model_version",
    "driver",
    "driver_code",
    "constructor",
    "win_probability",
    "podium_probability",
    "expected_position",
    "cutoff",
]
NEXT, LAST = "2026-amber-road", "2026-dalmatia"


def _use(patch: pytest.MonkeyPatch, home: Path) -> None:
    for name, value in {**SETTINGS, "F1_HOME": str(home)}.items():
        patch.setenv(name, value)
    get_settings.cache_clear()


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.fixture(scope="session")
def updated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A home after ``f1 update``, and what the command said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own imports
        importlib.import_module("mlflow.sklearn")
        importlib.import_module("mlflow.xgboost")
    home = tmp_path_factory.mktemp("cli") / "home"
    with pytest.MonkeyPatch.context() as patch:
        _use(patch, home)
        result = _invoke("update")
    get_settings.cache_clear()
    return home, result


@pytest.fixture
def home(updated: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch) -> Path:
    _use(monkeypatch, updated[0])
    return updated[0]


def _ok(*arguments: str) -> str:
    result = _invoke(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def _error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that ``f1 ...`` ends with."""
    monkeypatch.setattr(sys, "argv", ["f1", *arguments])
    monkeypatch.setattr(cli.app.__class__, "__call__", cli.app.__class__.__call__)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("error: ")
    return lines[0]


def _rows(text: str, form: str) -> list[dict[str, Any]]:
    return json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))


# --- update ----------------------------------------------------------------------------------------------


def test_update_says_what_it_did(updated: tuple[Path, Result]) -> None:
    result = updated[1]
    assert result.exit_code == 0, result.output
    assert (
        "48 races taken in, 17 forecasts and 9 championship forecasts made, 8 races scored." in result.stdout
    )
    assert f"Next race: {NEXT}" in result.stdout
    assert "simulated-7" in result.stderr


def test_update_again(home: Path) -> None:
    assert "Nothing new in simulated simulated-7." in _ok("update")


# --- forecast --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "csv"])
def test_forecast_of_the_next_race(home: Path, form: str) -> None:
    rows = _rows(_ok("forecast", "--format", form), form)
    assert len(rows) == 20
    assert set(REQUIRED) <= set(rows[0])
    assert {row["race_key"] for row in rows} == {NEXT}
    assert {row["horizon"] for row in rows} == {"pre_weekend"}
    assert {row["model"] for row in rows} == {POOL}
    win = [float(row["win_probability"]) for row in rows]
    assert sum(win) == pytest.approx(1.0)
    assert win == sorted(win, reverse=True)
    assert sum(float(row["podium_probability"]) for row in rows) == pytest.approx(3.0)


def test_forecast_as_a_table(home: Path) -> None:
    text = _ok("forecast")
    assert "Amber Road" in text
    assert "Simulated championship" in text
    assert "knowing the entry list" in text
    codes = [row["driver_code"] for row in json.loads(_ok("forecast", "--format", "json"))]
    assert all(code in text for code in codes)
    assert "F1DB" not in text


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("model", [POOL, "elo", "uniform"])
def test_forecast_of_a_named_race(home: Path, horizon: str, model: str) -> None:
    rows = json.loads(_ok("forecast", LAST, "--horizon", horizon, "--model", model, "--format", "json"))
    assert len(rows) == 20
    assert {(row["race_key"], row["horizon"], row["model"]) for row in rows} == {(LAST, horizon, model)}
    has_interval = [row["interval_low"] is not None for row in rows]
    assert all(has_interval) if model == POOL else not any(has_interval)


def test_forecast_takes_the_newest_horizon(home: Path) -> None:
    rows = json.loads(_ok("forecast", LAST, "--format", "json"))
    assert {row["horizon"] for row in rows} == {"pre_race"}
    assert "qualifying and the grid" in _ok("forecast", LAST)


# --- predictions and evaluate ----------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "json"])
def test_predictions(home: Path, form: str) -> None:
    rows = _rows(_ok("predictions", "--start-season", "2026", "--end-season", "2026", "--format", form), form)
    stored = reads.read_table(get_engine(get_settings().tables_url), schema.predictions)
    models = {h: len(TRAINED_MODELS) + len(COMBINED) + len(BASELINES[h]) for h in HORIZONS}
    assert len(rows) == len(stored) == 20 * (9 * models["pre_weekend"] + 8 * models["pre_race"])
    assert set(REQUIRED) <= set(rows[0])
    keys = {(row["race_key"], row["horizon"], row["model"], row["driver"]) for row in rows}
    assert len(keys) == len(rows)
    expected = stored.set_index(["race_key", "horizon", "model", "driver_id"])["win_probability"]
    for row in rows[::97]:
        value = expected[(row["race_key"], row["horizon"], row["model"], row["driver"])]
        assert float(row["win_probability"]) == pytest.approx(value, rel=1e-12)
    assert pd.to_datetime([row["cutoff"] for row in rows[:5]], format="ISO8601").tz is not None


def test_predictions_can_be_narrowed(home: Path) -> None:
    text = _ok("predictions", "--start-season", "2026", "--end-season", "2026", "--horizon", "pre_race", "--model", "elo")  # fmt: skip
    rows = _rows(text, "csv")
    assert len(rows) == 20 * 8
    assert {(row["horizon"], row["model"]) for row in rows} == {("pre_race", "elo")}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_predictions_of_seasons_without_any_are_empty(home: Path, form: str) -> None:
    text = _ok("predictions", "--start-season", "2024", "--end-season", "2024", "--format", form)
    assert _rows(text, form) == []
    if form == "csv":
        assert set(REQUIRED) <= set(text.strip().split(",")), "the header is there all the same"


def test_evaluate(home: Path) -> None:
    found = json.loads(_ok("evaluate", "--start-season", "2026", "--end-season", "2026", "--format", "json"))
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
    text = _ok("evaluate")
    for name in (*TRAINED_MODELS, *COMBINED, "uniform", "grid_frequency", "standings_frequency"):
        assert name in text
    narrow = json.loads(_ok("evaluate", "--horizon", "pre_race", "--model", "elo", "--format", "json"))
    assert [(row["horizon"], row["model"]) for row in narrow["models"]] == [("pre_race", "elo")]
    assert max(map(len, text.splitlines())) <= 120
    for head in ("calib.", "Brier", "podium"):
        assert head in text


def test_evaluate_says_what_the_tables_say(home: Path) -> None:
    """The command computes from rows, the asset fills tables: the same functions, so the same figures."""
    engine = get_engine(get_settings().tables_url)
    summaries = reads.read_table(engine, schema.accuracy_summaries, period="2026")
    stored = summaries.set_index(["horizon", "model", "score"])["mean"]
    for row in json.loads(_ok("evaluate", "--format", "json"))["models"]:
        key = (row["horizon"], row["model"])
        for score in (
            "log_loss",
            "brier",
            "binary_brier",
            "rank_error",
            "calibration_error",
            "calibration_error_even",
        ):
            assert row[score] == pytest.approx(stored[(*key, score)]), (key, score)
    reliability = reads.read_table(engine, schema.reliability, period="2026", model="elo")
    printed = json.loads(_ok("evaluate", "--reliability", "--model", "elo", "--format", "json"))
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
    assert "observed" in _ok("evaluate", "--reliability", "--horizon", "pre_race")


def test_evaluate_against_a_model(home: Path) -> None:
    found = json.loads(_ok("evaluate", "--against", "uniform", "--horizon", "pre_race", "--format", "json"))
    rows = {row["model"]: row for row in found["models"]}
    assert found["against"] == "uniform"
    assert set(rows) == {*TRAINED_MODELS, *COMBINED, *BASELINES["pre_race"]} - {"uniform"}
    for row in rows.values():
        assert row["races"] == 8
        assert row["difference"] == pytest.approx(row["log_loss"] - row["reference_log_loss"])
        assert row["low"] <= row["difference"] <= row["high"]
    assert "same races" in _ok("evaluate", "--against", "pool")
    one = json.loads(_ok("evaluate", "--against", "pool", "--model", "elo", "--format", "json"))
    assert [(row["horizon"], row["model"]) for row in one["models"]] == [(h, "elo") for h in sorted(HORIZONS)]


# --- odds ------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    shutil.copytree(home, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    _use(monkeypatch, tmp_path / "copy")
    return tmp_path / "copy"


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
    assert "no market prices" in _ok("odds", "list")
    file = str(_book(tmp_path / "odds.csv", LAST, 1))
    text = _ok("odds", "import", file)
    assert "20 prices taken in, 0 corrected, 0 were there already." in text
    assert "next `f1 update`" in text
    again = _ok("odds", "import", file)
    assert "0 prices taken in, 0 corrected, 20 were there already." in again
    assert "update" not in again
    (row,) = json.loads(_ok("odds", "list", "--format", "json"))
    assert (row["race_key"], row["source"], row["drivers"], row["prices"]) == (LAST, "Acme", 20, 20)
    assert LAST in _ok("odds", "list")

    assert "1 races scored" in _ok("update")
    found = json.loads(_ok("evaluate", "--format", "json"))
    market = [row for row in found["models"] if row["model"] == "market"]
    assert [(row["horizon"], row["races"]) for row in market] == [("pre_race", 1)]
    assert {row["races"] for row in found["against_market"]} == {1}
    assert {row["model"] for row in found["against_market"]} == {
        *TRAINED_MODELS,
        *COMBINED,
        *BASELINES["pre_race"],
    }
    assert "against market" in _ok("evaluate")
    assert "market" in _ok("evaluate", "--reliability", "--model", "market")

    assert "20 prices removed" in _ok("odds", "remove", "--source", "Acme")
    assert "against_market" not in json.loads(_ok("evaluate", "--format", "json"))


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
    result = _invoke("odds", "import", str(file))
    assert result.exit_code == 0
    assert f"{LAST}, Acme: 2 drivers whose inverse odds sum to" in result.stderr


# --- status and doctor -----------------------------------------------------------------------------------


# --- championship ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("kind", ["driver", "constructor"])
def test_championship_before_the_next_race(home: Path, kind: str, form: str) -> None:
    rows = _rows(_ok("championship", "--kind", kind, "--format", form), form)
    assert {row["race_key"] for row in rows} == {NEXT}
    assert {row["kind"] for row in rows} == {kind}
    chances = [float(row["title_probability"]) for row in rows]
    assert sum(chances) == pytest.approx(1.0)
    assert chances == sorted(chances, reverse=True)
    assert all(float(row["points_low"]) <= float(row["points_high"]) for row in rows)


def test_championship_after_a_round(home: Path) -> None:
    first = json.loads(_ok("championship", "--season", "2026", "--after-round", "0", "--format", "json"))
    assert all(row["points"] == 0 for row in first)
    assert all(row["can_win"] for row in first)
    later = json.loads(_ok("championship", "--after-round", "3", "--format", "json"))
    assert sum(row["points"] for row in later) > 0
    assert later[0]["races_left"] == first[0]["races_left"] - 3


def test_championship_as_a_table_and_what_if(home: Path) -> None:
    table = _ok("championship")
    assert "Simulated championship" in table
    assert "can win" in table
    assert "races left" in table
    shown = _ok("championship", "--what-if")
    assert re.search(r"\b(P\d|out)\b", shown)
    assert "Title chances if" in shown
    rows = json.loads(_ok("championship", "--what-if", "--kind", "constructor", "--format", "json"))
    assert all(0 <= row["title_probability"] <= 1 for row in rows)
    assert {row["race_key"] for row in rows} == {NEXT}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kind", "team"), "driver, constructor"),
        (("--season", "1999"), "no championship forecast of 1999"),
        (("--after-round", "99"), "--after-round must be 0 to"),
        (("--after-round", "0", "--what-if"), "made for the next race"),
    ],
)
def test_championship_that_is_not_there(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert said in _error(monkeypatch, capsys, "championship", *arguments)


# --- status ----------------------------------------------------------------------------------------------


def test_status(home: Path) -> None:
    found = json.loads(_ok("status", "--format", "json"))
    assert found["source"] == "simulated"
    assert found["simulated"] is True
    assert found["next_race"] == NEXT
    assert found["newest_result"] == LAST
    assert found["home"] == str(home)
    assert found["revision"] == migrate.head()
    engine = get_engine(get_settings().tables_url)
    assert found["rows"] == reads.row_counts(engine)
    text = _ok("status")
    assert NEXT in text
    assert str(found["rows"]["predictions"]) in text


def test_doctor_is_content(home: Path) -> None:
    text = _ok("doctor")
    for check in ("Python", "packages", "home", "database", "source", "ports"):
        assert check in text
    assert "simulated simulated-7" in text
    assert "wrong" not in text


def test_doctor_says_what_is_wrong(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("F1_F1DB_ARCHIVE", str(home / "nowhere.zip"))
    get_settings.cache_clear()
    result = _invoke("doctor")
    assert result.exit_code == 1
    assert "wrong" in result.stdout
    assert "nowhere.zip" in result.stdout


def test_doctor_before_anything_was_done() -> None:
    assert "none yet" in _ok("doctor")


# --- models ----------------------------------------------------------------------------------------------


def test_models_shows_the_champions(home: Path) -> None:
    rows = json.loads(_ok("models", "--format", "json"))
    assert [(row["model"], row["horizon"]) for row in rows] == [
        (name, horizon) for name in TRAINED_MODELS for horizon in HORIZONS
    ]
    engine = get_engine(get_settings().tables_url)
    made = reads.read_table(engine, schema.models).set_index(["name", "horizon", "version"])
    for row in rows:
        stored = made.loc[(row["model"], row["horizon"], row["version"])]
        assert row["mlflow_version"] == stored["mlflow_version"]
        assert row["hyperparameters"].items() <= stored["hyperparameters"].items()
        assert row["last_decision"]["promoted"]
        assert row["last_decision"]["reason"].startswith("first recipe")
    text = _ok("models")
    assert "penalty=1.0" in text
    assert "first recipe" in text


def test_challenge_and_rollback_say_what_was_decided(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts"))
    _use(monkeypatch, tmp_path / "copy")
    text = _ok("challenge", "elo", "--horizon", "pre_weekend", "--set", "penalty=1e6")
    assert "elo at pre_weekend, version 2: penalty=1000000.0" in text
    assert "minus that of the champion, version 1: " in text
    assert "on the same 8 races" in text
    assert "stays out: too few races: 8, a decision needs 20" in text
    again = _invoke("rollback", "elo", "--horizon", "pre_weekend")
    assert again.exit_code == 1
    assert "has had one recipe only" in str(again.exception)


# --- errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["forecast", "2026-atlantis"], "2026-atlantis"),
        (["forecast", "nonsense"], "nonsense"),
        (["forecast", "--model", "oracle"], "no model 'oracle'"),
        (["forecast", "--horizon", "after"], "no horizon 'after'"),
        (["forecast", "2024-wombat-coast"], "no forecast of 2024-wombat-coast"),
        (["forecast", NEXT, "--horizon", "pre_race"], f"no forecast of {NEXT} by pool at pre_race"),
        (
            ["evaluate", "--start-season", "1990", "--end-season", "1991"],
            "no scored forecasts in 1990 to 1991",
        ),
        (["evaluate", "--model", "oracle"], "no model 'oracle'"),
        (["evaluate", "--against", "oracle"], "no model 'oracle'"),
        (["evaluate", "--against", "market"], "that market and a model were scored on"),
        (["evaluate", "--model", "market"], "no scored forecasts by market"),
        (["evaluate", "--reliability", "--model", "market"], "no scored forecasts by market"),
        (["odds", "import", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["odds", "remove", "--source", "nobody"], "no prices of 'nobody'"),
        (["predictions", "--start-season", "2026", "--end-season", "2026", "--model", "oracle"], "no model"),
        (["backfill", "--start-season", "1990", "--end-season", "1991"], "no races of 1990 to 1991"),
        (["challenge", "pool", "--horizon", "pre_race"], "no trained model 'pool'"),
        (["challenge", "elo", "--horizon", "after"], "no horizon 'after'"),
        (["challenge", "elo", "--horizon", "pre_race", "--set", "penalty"], "is set like penalty=40"),
        (["challenge", "elo", "--horizon", "pre_race", "--set", "depth=4"], "no hyper-parameter 'depth'"),
        (["challenge", "elo", "--horizon", "pre_race", "--set", "penalty=big"], "penalty='big' is no float"),
        (["rollback", "oracle", "--horizon", "pre_race"], "no trained model 'oracle'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_errors_are_one_line(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    assert says in _error(monkeypatch, capsys, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["forecast"],
        ["evaluate"],
        ["status"],
        ["models"],
        ["challenge", "elo", "--horizon", "pre_race"],
        ["predictions", "--start-season", "2026", "--end-season", "2026"],
    ],
    ids=lambda value: value[0],
)
def test_without_data_the_next_step_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert "run `f1 update`" in _error(monkeypatch, capsys, *arguments)


def test_usage_errors_and_help() -> None:
    assert _invoke("predictions").exit_code == 2
    assert _invoke("evaluate", "--format", "csv").exit_code == 2
    assert _invoke("evaluate", "--against", "pool", "--reliability").exit_code == 2
    text = _ok("--help")
    for command in (
        "run",
        "update",
        "backfill",
        "forecast",
        "evaluate",
        "predictions",
        "challenge",
        "rollback",
        "models",
        "status",
        "serve",
        "db",
        "doctor",
    ):
        assert command in text


# --- migrations ------------------------------------------------------------------------------------------


def test_the_tables_go_down_and_up(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    shutil.copytree(home, tmp_path / "copy", ignore=shutil.ignore_patterns("mlflow-artifacts", "dagster"))
    _use(monkeypatch, tmp_path / "copy")
    down = _invoke("db", "downgrade", "base")
    assert down.exit_code == 0
    assert "revision none" in down.stderr
    assert "run `f1 db upgrade`" in _error(monkeypatch, capsys, "status")
    assert _invoke("doctor").exit_code == 1
    up = _invoke("db", "upgrade")
    assert up.exit_code == 0
    assert f"revision {migrate.head()}" in up.stderr
    assert json.loads(_ok("status", "--format", "json"))["rows"]["races"] == 0
