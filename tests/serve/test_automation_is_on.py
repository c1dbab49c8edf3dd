"""Under `f1 serve` sensors and schedules run by themselves, unless somebody said otherwise."""

from pathlib import Path

import pytest

from f1_pipeline.serve.services import services
from f1_pipeline.settings import get_settings


@pytest.mark.parametrize(("chosen", "found"), [(None, "on"), ("off", "off"), ("on", "on")])
def test_automation_under_serve(
    chosen: str | None, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if chosen is not None:
        monkeypatch.setenv("F1_AUTOMATION", chosen)
        get_settings.cache_clear()
    dagster = services(get_settings(), tmp_path)["dagster"]
    assert {service.env["F1_AUTOMATION"] for service in dagster} == {found}
