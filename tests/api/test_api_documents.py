"""The OpenAPI document is complete, its page is current, and the example runs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi.routing import APIRoute

from f1_app.api import media
from f1_app.api.app import create_app
from f1_app.api.errors import Code, Error
from f1_app.api.routes.health import router as health
from f1_app.api.schemas import analytics, forecasts, listings
from f1_app.api.schemas import health as states
from f1_app.api.schemas.base import Answer
from f1_pipeline.settings import ROOT

ANSWERS = [
    found
    for module in (analytics, forecasts, listings, states)
    for found in vars(module).values()
    if isinstance(found, type)
    and issubclass(found, Answer)
    and "model_config" in vars(found)
    and found.model_config.get("json_schema_extra")
]


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"api_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app().openapi()


def test_all_routes_of_the_api_are_there(document: dict[str, Any]) -> None:
    assert {path.removeprefix("/api/v1/") for path in document["paths"]} == {
        *("predictions/next-race", "predictions/race/{race}", "predictions/race/{race}/distribution"),
        *("predictions/compare/{race}", "standings/drivers", "standings/constructors", "championship"),
        *("calendar/{season}", "calendar/{season}.ics", "races", "drivers", "constructors", "circuits"),
        *("analytics/model-accuracy", "analytics/driver-performance/{driver}"),
        *("analytics/track-coefficients/{circuit}", "health"),
    }


def test_every_operation_is_described_with_examples(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        assert list(methods) == ["get"]
        operation = methods["get"]
        assert operation["summary"], path
        assert operation["description"], path
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (path, parameter["name"])
        if path.endswith("health"):
            continue
        answers = operation["responses"]
        assert {"200", "304", "406", "422", "429", "500", "503"} <= set(answers), path
        for status, answer in answers.items():
            if int(status) >= 400:
                example = answer["content"][media.JSON]["example"]
                assert Error.model_validate(example).code in Code
        content = answers["200"]["content"]
        if not path.endswith(".ics"):
            assert set(content) == {media.JSON, media.CSV}, path
            name = content[media.JSON]["schema"]["$ref"].rsplit("/", 1)[1]
            assert document["components"]["schemas"][name]["examples"], name
            assert content[media.CSV]["example"], path


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.__name__)
def test_examples_are_answers(answer: type[Answer]) -> None:
    (example,) = answer.model_config["json_schema_extra"]["examples"]  # type: ignore[index, call-overload]
    parsed = answer.model_validate(example)
    assert parsed.model_dump(mode="json") == example


def test_models_for_answers_are_all_in_use() -> None:
    used = {
        route.response_model
        for included in (create_app().router, health)
        for route in included.routes
        if isinstance(route, APIRoute)
    }
    assert len(ANSWERS) == 15
    assert used <= {*ANSWERS, None}


def test_the_page_is_current() -> None:
    made = load(ROOT / "scripts" / "api_docs.py").page()
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == made, "run scripts/api_docs.py"


def test_the_example_runs(own_api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    example = load(ROOT / "examples" / "api_client.py")
    example.main(own_api.base)
    text = capsys.readouterr().out
    assert "Betatown Grand Prix, elo 7 at pre_weekend" in text
    assert "Ada Arrow Comet Racing" in text
    assert "1510.0" in text
    client = example.Api(own_api.base)
    first = client.json("races", season=2026)
    assert client.json("races", season=2026) == first
    assert len(client.whole("races")) == 6
    with pytest.raises(RuntimeError, match="RACE_NOT_FOUND"):
        client.json("predictions/race/2026-narnia")
