"""The documents say what there is, all of it, and nothing that is gone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main
from pydantic_core import PydanticUndefined

from f1_pipeline.cli.app import app
from f1_pipeline.domain.vocabulary import ALL_MODELS
from f1_pipeline.forecasting.features.catalogue import FEATURES
from f1_pipeline.settings import ROOT, Settings
from f1_pipeline.storage.schema import metadata

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("**/*.md"))]
TEXTS = [*PAGES, ROOT / "LICENSE", ROOT / ".env.example"]

REGISTRIES = (
    *(
        "pypi org",
        "pythonhosted org",
        "anaconda org",
        "anaconda com",
        "npmjs org",
        "npmjs com",
        "yarnpkg com",
    ),
    *("crates io", "rubygems org", "proxy golang org", "maven org", "packagist org", "nuget org"),
)
"""Hosts of package registries, with spaces for dots: this file must not name them either."""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def sections(text: str, level: int) -> dict[str, str]:
    """Text below each heading of a level, by heading without its backticks; until the next one of that level or above."""
    found: dict[str, str] = {}
    mark = re.compile(rf"^#{{1,{level}}} (.+)$", re.MULTILINE)
    heads = list(mark.finditer(text))
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        if head[0].startswith("#" * level + " "):
            body = text[head.end() : following.start() if following else len(text)]
            assert head[1] not in found, f"two headings {head[1]!r}"
            found[head[1].strip("`")] = body
    return found


def rows(text: str) -> list[list[str]]:
    """Cells of the lines of all tables, heads and rules left out."""
    found = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        head = number + 1 < len(lines) and re.match(r"^\|[\s:|-]+\|$", lines[number + 1])
        if line.startswith("|") and not head and not re.match(r"^\|[\s:|-]+\|$", line):
            found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def names(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def first_names(text: str) -> list[str]:
    """What the first columns of the tables name; a name twice is twice in it."""
    return [name for row in rows(text) for name in names(row[0])]


def differences(documented: list[str], existing: list[str]) -> list[str]:
    """What is wrong with a list of documented names; empty when nothing is."""
    faults = [f"{name} is not documented" for name in existing if name not in documented]
    faults += [f"{name} is documented and does not exist" for name in documented if name not in existing]
    twice = {name for name in documented if documented.count(name) > 1}
    return faults + [f"{name} is documented twice" for name in sorted(twice)]


def settings_defaults() -> dict[str, object]:
    return {f"F1_{name.upper()}": field.default for name, field in Settings.model_fields.items()}


def commands() -> dict[str, click.Command]:
    """Every command by its full name, such as ``f1 db upgrade``."""

    def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        for word, child in (inner or {}).items():
            yield from walk(f"{name} {word}", child)

    return dict(walk("f1", typer.main.get_command(app)))


def parameters(command: click.Command) -> list[str]:
    """Options as they are typed, arguments as the usage line shows them."""
    found: list[str] = []
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            found.append(str(parameter.metavar or parameter.name).strip("[]").upper())
        else:
            found += [word for word in (*parameter.opts, *parameter.secondary_opts) if word.startswith("--")]
    return [name for name in found if name != "--help"]


def targets() -> list[str]:
    return re.findall(r"^([a-z-]+):.*## ", read("Makefile"), re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor that a heading gets where Markdown is shown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(page: Path, text: str) -> list[str]:
    """Links and pictures of a page that lead nowhere; addresses with a scheme are not followed."""
    faults = []
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", text):
        link = next(filter(None, target))
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_file():
            faults.append(f"{page.name}: {link}")
        elif fragment:
            heads = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            if fragment not in map(anchor, heads):
                faults.append(f"{page.name}: {link} has no such heading")
    return faults


def registry_hosts(text: str) -> list[str]:
    """Lines that name the host of a package registry."""
    hosts = [name.replace(" ", ".") for name in REGISTRIES]
    return [line for line in text.splitlines() if any(host in line.lower() for host in hosts)]


def test_settings_are_documented() -> None:
    page = read("docs/settings.md")
    # The second table, on sources, names settings in its head only.
    assert not differences([n for n in first_names(page) if n.startswith("F1_")], list(settings_defaults()))


def test_documented_defaults_are_those_of_the_code() -> None:
    documented = {names(row[0])[0]: row[1] for row in rows(read("docs/settings.md")) if names(row[0])}
    example = dict(re.findall(r"^# (F1_\w+)=(.*)$", read(".env.example"), re.MULTILINE))
    for name, default in settings_defaults().items():
        if default is None or default is PydanticUndefined:
            continue
        value = f"{default:g}" if isinstance(default, float) else str(default)
        assert documented[name] == f"`{value}`", name
        assert example[name] == value, name


def test_example_lists_every_setting_and_sets_none() -> None:
    text = read(".env.example")
    assert not [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert not differences(re.findall(r"^# (F1_\w+)=", text, re.MULTILINE), list(settings_defaults()))


def test_commands_are_documented() -> None:
    documented = [name for name in sections(read("docs/commands.md"), 2) if name.startswith("f1 ")]
    assert not differences(documented, list(commands()))
    listed = first_names(sections(read("README.md"), 2)["The command"])
    assert not differences(listed, list(commands()))


@pytest.mark.parametrize("name", commands())
def test_options_are_documented(name: str) -> None:
    text = sections(read("docs/commands.md"), 2)[name]
    assert not differences(first_names(text), parameters(commands()[name]))


def test_commands_in_texts_exist() -> None:
    known = {name.split()[1] for name in commands()}
    for page in PAGES:
        for code in re.findall(
            r"`([^`\n]+)`|^(.*/bin/f1 .*)$", page.read_text(encoding="utf-8"), re.MULTILINE
        ):
            for word in re.findall(r"(?:^|[\s/])f1 ([a-z][\w-]*)", "".join(code)):
                assert word in known, f"{page.name}: f1 {word}"


def test_make_targets_are_documented() -> None:
    table = first_names(sections(read("docs/commands.md"), 2)["Make targets"])
    assert not differences(table, [f"make {name}" for name in targets()])
    for page in PAGES:
        used = re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(used) <= set(targets()), page.name


def test_tables_are_documented() -> None:
    documented = list(sections(read("docs/data-dictionary.md"), 3))
    assert not differences(documented, list(metadata.tables))


@pytest.mark.parametrize("name", list(metadata.tables))
def test_columns_are_documented(name: str) -> None:
    lines = rows(sections(read("docs/data-dictionary.md"), 3)[name])
    table = metadata.tables[name]
    assert not differences([names(row[0])[0] for row in lines], [column.name for column in table.columns])
    for row in lines:
        column = table.c[names(row[0])[0]]
        assert ("**key**" in row[1]) == column.primary_key, column
        assert ("**required**" in row[1]) == (not column.nullable and not column.primary_key), column
        assert len(row[2]) > 3, column


def navigation() -> dict[str, str]:
    """Pages of the dashboard: title and address."""
    text = read("f1_app/dashboard/app.py")
    found = re.findall(
        r'st\.Page\(\s*"views/\w+\.py",\s*title="([^"]+)",\s*(?:url_path="(\w+)"|default=True)', text
    )
    assert len(found) == text.count("st.Page("), "a page that this test cannot read"
    return {title: f"/{address}" for title, address in found}


def choices(source: str) -> set[str]:
    """Query parameters that a module of the dashboard lets a reader choose."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "").startswith("choose"):
            found |= {
                word.value.value
                for word in node.keywords
                if word.arg == "name" and isinstance(word.value, ast.Constant)
            }
    return {str(name) for name in found}


def test_pages_are_documented() -> None:
    part = sections(read("docs/dashboard.md"), 2)["Pages"]
    listed = {row[0]: row[1].strip("`") for row in rows(part) if len(row) == 3}
    assert listed == navigation()
    assert list(sections(read("docs/dashboard.md"), 3)) == list(listed), (
        "a part for each page, in their order"
    )


def test_parameters_of_addresses_are_documented() -> None:
    part = sections(read("docs/dashboard.md"), 2)["Pages"]
    of_pages = {name for row in rows(part) if len(row) == 3 for name in names(row[2])}
    explained = [names(row[0])[0] for row in rows(part) if len(row) == 2]
    there = set().union(
        *(choices(file.read_text(encoding="utf-8")) for file in (ROOT / "f1_app/dashboard").glob("**/*.py"))
    )
    assert of_pages == there
    assert not differences(explained, sorted(there))


def test_models_and_features_are_documented() -> None:
    parts = sections(read("docs/methodology.md"), 2)
    assert not differences(first_names(sections(read("docs/methodology.md"), 2)["Models"]), list(ALL_MODELS))
    assert not differences(first_names(parts["Features"]), [feature.name for feature in FEATURES])
    measured = sections(read("docs/methodology.md"), 3)
    found = {*first_names(measured["Before the weekend"]), *first_names(measured["Before the race"])}
    assert found == set(ALL_MODELS), "a model without measured figures"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert not broken_links(page, page.read_text(encoding="utf-8"))


def test_pictures_are_used_and_small() -> None:
    pictures = {file.name for file in (DOCS / "images").iterdir()}
    assert pictures
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert not [name for name in pictures if name not in text]
    assert all((DOCS / "images" / name).stat().st_size < 250_000 for name in pictures)


@pytest.mark.parametrize("name", ["README.md", "docs/methodology.md", "docs/data-dictionary.md"])
def test_source_is_named(name: str) -> None:
    text = read(name)
    assert "https://github.com/f1db/f1db" in text
    assert "CC BY 4.0" in text


def test_readme_names_licence_and_changes() -> None:
    part = sections(read("README.md"), 2)["Data and licence"]
    for words in ("https://creativecommons.org/licenses/by/4.0/", "Changes:", "not associated", "MIT"):
        assert words in part, words


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_no_registry_is_named(file: Path) -> None:
    assert not registry_hosts(file.read_text(encoding="utf-8"))


def test_the_checks_find_faults() -> None:
    """A check that cannot fail is worth nothing: each finds what was done wrong on purpose."""
    assert differences(["a", "c", "c"], ["a", "b", "c"]) == ["b is not documented", "c is documented twice"]
    assert differences(["a", "gone"], ["a"]) == ["gone is documented and does not exist"]
    table = "| name | x |\n|---|---|\n| `a` | 1 |\n| `b`, `c` | `d` |\n"
    assert first_names(table) == ["a", "b", "c"]
    assert sections("## `x`\nin x\n### z\n## y\n", 2) == {"x": "\nin x\n### z\n", "y": "\n"}
    page = ROOT / "README.md"
    assert broken_links(page, "[a](docs/none.md)") == ["README.md: docs/none.md"]
    assert broken_links(page, '<img src="docs/images/none.png">') == ["README.md: docs/images/none.png"]
    assert broken_links(page, "[a](docs/settings.md#none)")
    assert not broken_links(page, "[a](docs/settings.md#which-source-is-used) [b](https://example.org)")
    assert registry_hosts("fine\nhttps://files." + REGISTRIES[1].replace(" ", ".") + "/x")
    assert choices('choose("A", b, page=P, name="a")\nother(name="b")') == {"a"}
    assert "f1 db upgrade" in commands()
    assert "RACE_KEY" in parameters(commands()["f1 forecast"])
    assert "run" in targets()
