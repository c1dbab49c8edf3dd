"""Write ``docs/api.md`` from the OpenAPI document of the API.

.venv/bin/python scripts/api_docs.py          # write it
.venv/bin/python scripts/api_docs.py --check  # exit code 1 if it is not current
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from f1_app.api.app import TAGS, create_app
from f1_app.api.errors import Code
from f1_app.api.render import FORECAST, HISTORY, STANDINGS
from f1_pipeline.settings import ROOT, Settings

PAGE = ROOT / "docs" / "api.md"
Doc = dict[str, Any]

INTRODUCTION = """# API

<!-- Made by scripts/api_docs.py from the OpenAPI document. Change the code and run it again. -->

{about}

`f1 serve` and `make run` start it with the rest, `f1 serve --only api` by itself, at http://127.0.0.1:8000 (`F1_API_PORT`). The OpenAPI document is at `/api/v1/openapi.json`. A runnable example is
[`examples/api_client.py`](../examples/api_client.py).

```sh
curl http://127.0.0.1:8000/api/v1/predictions/next-race
curl -H 'Accept: text/csv' http://127.0.0.1:8000/api/v1/standings/drivers?season=2021
curl http://127.0.0.1:8000/api/v1/predictions/race/2026-12?horizon=pre_weekend
```

## Rules

- **A race** is named by its key, `2026-netherlands`, or by season and round, `2026-12`. The key never changes; the round does when the calendar changes.
- **Which forecast:** without `horizon` the one that knew most, without `model` the pool. A finished race keeps the forecast that was made for it.
- **Form:** JSON, or CSV with `Accept: text/csv` or `?format=csv`, a table of rows with a line of names; every row of a forecast carries what made it. Calendars are also `text/calendar`. Other forms are answered with 406.
- **Pages:** lists have `limit` (100, at most 500) and `offset`, and say how many rows there are in `total` and `X-Total-Count`.
- **Parameters** that do not exist, or are given twice, are refused: a slip of the pen would otherwise pass unseen.
- **HEAD** is answered like GET, without a body.

## Caching

Every answer has a strong `ETag`, made of its content and of the version of the data. Send it back as `If-None-Match`; 304 says that nothing has changed. A new load, forecast or score is in the answers at once.

| answer | `Cache-Control` |
|---|---|
| forecasts, calendars, races | `{forecast}` |
| standings, scores, drivers, constructors, circuits | `{standings}` |
| forecasts of finished races, standings that others followed | `{history}` |
| errors, state | `no-store` |

History stays the same, with the same `ETag`, until it is revised itself: results are corrected months later at times. A cache that does not ask again notices within a week.

## Limits

{per_minute} requests a minute for each client, {next_race} of them for `/predictions/next-race` ([settings](settings.md): `F1_API_PER_MINUTE`, `F1_API_NEXT_RACE_PER_MINUTE`). Answers carry `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds). What is more is answered with 429 and `Retry-After`.
A 304 counts as well. The state of the API is not limited.

## Errors

One form, whatever went wrong:

```json
{error}
```

| code | status | meaning |
|---|---|---|
{codes}
"""

MEANINGS = {
    Code.RACE_NOT_FOUND: ("404", "There is no such race."),
    Code.NO_PREDICTIONS_AVAILABLE: (
        "404",
        "There is no forecast of it, or forecasts are turned off (`F1_ENABLE_PREDICTIONS`).",
    ),
    Code.INVALID_PARAMETER: (
        "404, 405, 406, 422",
        "A parameter, address, method or form that is not valid, or names nothing.",
    ),
    Code.RATE_LIMIT_EXCEEDED: ("429", "Too many requests; `Retry-After` says when to go on."),
    Code.EXTERNAL_SERVICE_ERROR: ("503", "The tables cannot be read at the moment."),
    Code.INTERNAL_ERROR: ("500", "Something failed in the server; the cause is in its log only."),
}


def _in_order(document: Doc, schema: Doc, value: Any) -> Any:
    """An example with its fields in the order of the answer; the document has them by the alphabet."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        return [_in_order(document, schema.get("items", {}), one) for one in value]
    if isinstance(value, dict) and "properties" in schema:
        return {
            name: _in_order(document, inner, value[name])
            for name, inner in schema["properties"].items()
            if name in value
        }
    return value


def _type(document: Doc, schema: Doc) -> str:
    """How a schema is said in a table."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        named: Doc = document["components"]["schemas"][name]
        return f"[{name}](#{name.lower()})" if "properties" in named else _type(document, named)
    if "anyOf" in schema:
        kinds = [_type(document, one) for one in schema["anyOf"] if one.get("type") != "null"]
        null = any(one.get("type") == "null" for one in schema["anyOf"])
        return " or ".join(dict.fromkeys(kinds)) + (" or null" if null else "")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(document, schema['items'])}"
    return str(schema.get("format") or schema.get("type", "any"))


def _parameters(document: Doc, parameters: list[Doc]) -> Iterator[str]:
    yield "| parameter | in | values | meaning |\n|---|---|---|---|"
    for one in parameters:
        schema = one["schema"]
        bounds = next((x for x in schema.get("anyOf", []) if x.get("type") != "null"), schema)
        values = _type(document, bounds)
        if "minimum" in bounds and "maximum" in bounds:
            values += f", {bounds['minimum']} to {bounds['maximum']}"
        if schema.get("default") is not None:
            values += f", default `{schema['default']}`"
        yield f"| `{one['name']}` | {one['in']} | {values} | {one.get('description', '')} |"


def _operation(document: Doc, path: str, operation: Doc, shown: set[str]) -> Iterator[str]:
    yield f"### `GET {path}`\n\n{operation['summary']}. {operation['description']}\n"
    own = [one for one in operation.get("parameters", []) if one["name"] != "format"]
    if own:
        yield from _parameters(document, own)
        yield ""
    for form, content in operation["responses"]["200"].get("content", {}).items():
        if form == "application/json":
            name = content["schema"]["$ref"].rsplit("/", 1)[1]
            yield f"Answer: [{name}](#{name.lower()}).\n"
            if name in shown:
                continue
            shown.add(name)
            example = document["components"]["schemas"][name]["examples"][0]
            example = _in_order(document, content["schema"], example)
            yield "```json"
            yield json.dumps(example, indent=1, ensure_ascii=False) + "\n```\n"
        elif form == "text/calendar":
            yield "Answer: `text/calendar`.\n"


def _schema(document: Doc, name: str, schema: Doc) -> Iterator[str]:
    yield f"### {name}\n"
    if description := schema.get("description"):
        yield f"{description}\n"
    yield "| field | type | meaning |\n|---|---|---|"
    for field, content in schema["properties"].items():
        yield f"| `{field}` | {_type(document, content)} | {content.get('description', '')} |"
    yield ""


def page() -> str:
    """The whole page."""
    document: Doc = create_app(Settings()).openapi()
    schemas: Doc = document["components"]["schemas"]
    settings = Settings.model_fields
    text = [
        INTRODUCTION.format(
            about=document["info"]["description"]
            .replace("\n\n", "\0")
            .replace("\n", " ")
            .replace("\0", "\n\n"),
            forecast=FORECAST.cache_control,
            standings=STANDINGS.cache_control,
            history=HISTORY.cache_control,
            per_minute=settings["api_per_minute"].default,
            next_race=settings["api_next_race_per_minute"].default,
            error=json.dumps(schemas["Error"]["examples"][0], indent=1),
            codes="\n".join(f"| `{code}` | {MEANINGS[code][0]} | {MEANINGS[code][1]} |" for code in Code),
        )
    ]
    shown: set[str] = set()
    for tag in TAGS:
        text.append(f"## {tag['description']}\n")
        for path, methods in document["paths"].items():
            if methods["get"]["tags"] == [tag["name"]]:
                text += _operation(document, path, methods["get"], shown)
    text.append("## Fields\n")
    for name in sorted(schemas):
        if "properties" in schemas[name] and not name.startswith(("HTTP", "Validation")):
            text += _schema(document, name, schemas[name])
    return "\n".join(text).rstrip() + "\n"


def main() -> int:
    """Write the page, or say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--output", type=Path, default=PAGE)
    arguments = parser.parse_args()
    made = page()
    if arguments.check:
        return int(not arguments.output.exists() or arguments.output.read_text(encoding="utf-8") != made)
    arguments.output.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
