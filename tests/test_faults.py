"""Fifteen faults of the sources really happened in the years before: each has a test that names its number."""

import ast
import re
from pathlib import Path

FAULTS = {
    1: "a limit of requests that is lowered without notice",
    2: "pages cut at 100 rows",
    3: "hours without an answer",
    4: "results late, and half there",
    5: "standings labelled with the next round",
    6: "a result changed months later, twice",
    7: "a round cancelled, others renumbered, put back elsewhere",
    8: "a start moved within 24 hours",
    9: "the date in UTC is not that at the track",
    10: "one driver under two ids",
    11: "drivers who change seats within a season",
    12: "an impossible classification",
    13: "empty fields and missing times",
    14: "sprint weekends, whose sessions change names",
    15: "a source that closes or changes its shape",
}
_NAMED = re.compile(r"[Ff]aults? ((?:\d+(?:, | and )?)+)")


def named_faults(source: str) -> set[int]:
    """Numbers of faults in names and docstrings of the tests of a file, and in the docstring of the file."""
    tree = ast.parse(source)
    texts = [ast.get_docstring(tree) or ""]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            texts += [node.name.replace("_", " "), ast.get_docstring(node) or ""]
    return {
        int(number)
        for text in texts
        for found in _NAMED.findall(text)
        for number in re.findall(r"\d+", found)
    }


def test_every_fault_has_a_test_that_names_it() -> None:
    files = [file for file in Path(__file__).parent.rglob("test_*.py") if file.name != Path(__file__).name]
    found = {number for file in files for number in named_faults(file.read_text(encoding="utf-8"))}
    assert set(FAULTS) - found == set()
    assert found <= set(FAULTS)


def test_the_search_finds_numbers() -> None:
    source = (
        '"""Fault 3 here."""\n\ndef test_fault_5(): pass\n\ndef test_x():\n    """Faults 1, 3 and 7: x."""\n'
    )
    assert named_faults(source + '\ndef helper():\n    """Fault 9."""\n') == {1, 3, 5, 7}
