"""Every setting of the product, read from the environment (prefix ``F1_``) and from ``.env``.

One module, so that there is one place to look and one place to document: a test compares this list
with ``docs/settings.md``. Secrets (a database password, for instance) come only from the environment.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
"""Directory that holds the ``f1_pipeline`` package: the repository root in a checkout."""


def _default_home() -> Path:
    # In a checkout state stays beside the code and `make clean` can find it; an installed package
    # must not write into site-packages.
    return ROOT / ".f1" if (ROOT / "pyproject.toml").exists() else Path.home() / ".f1-forecast"


def _parts(value: str | None) -> list[str]:
    return [part.strip() for part in (value or "").split(",") if part.strip()]


class Settings(BaseSettings):
    """Validated settings; see ``docs/settings.md`` for the prose version of each field."""

    model_config = SettingsConfigDict(
        env_prefix="F1_", env_file=(ROOT / ".env", ".env"), extra="ignore", env_ignore_empty=True
    )

    home: Path = Field(
        default_factory=_default_home,
        description="Directory for all state: databases, artefacts, downloads, Dagster home, logs.",
    )
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy address of the product's tables; SQLite in F1_HOME when unset.",
    )
    owner_password: SecretStr | None = Field(
        default=None, description="For `f1 db roles`: password of f1_owner, who owns the tables; a secret."
    )
    pipeline_password: SecretStr | None = Field(
        default=None, description="For `f1 db roles`: password of f1_pipeline, who writes rows; a secret."
    )
    app_password: SecretStr | None = Field(
        default=None, description="For `f1 db roles`: password of f1_app, who reads; a secret."
    )
    dagster_password: SecretStr | None = Field(
        default=None, description="For `f1 db roles`: password of f1_dagster, for Dagster's store; a secret."
    )
    mlflow_password: SecretStr | None = Field(
        default=None, description="For `f1 db roles`: password of f1_mlflow, for MLflow's store; a secret."
    )
    source: Literal["auto", "f1db", "simulated"] = Field(
        default="auto",
        description="Where data come from; auto is F1DB, or the simulated world when nothing is within reach.",
    )
    f1db_archive: Path | None = Field(
        default=None, description="A local F1DB CSV archive (zip) to use in place of the download."
    )
    f1db_url: str = Field(
        default="https://github.com/f1db/f1db/releases",
        description="Address of the F1DB releases page; probe and download are relative to it.",
    )
    http_timeout_seconds: float = Field(
        default=30.0, gt=0, description="Time limit of one request to a data source."
    )
    http_retry_seconds: str = Field(
        default="1,2,4,8",
        description="Waits before each retry of a transient failure, in seconds, separated by commas.",
    )
    # Before `weather`, whose check looks at it.
    openweathermap_key: SecretStr | None = Field(
        default=None, description="Key of OpenWeatherMap; a secret, never logged or stored."
    )
    weather: Literal["auto", "open-meteo", "openweathermap", "off"] = Field(
        default="auto",
        description="Weather service; auto is Open-Meteo, and OpenWeatherMap before it where a key is set.",
    )
    weather_observed_from_season: int | None = Field(
        default=None,
        ge=1950,
        description="First season whose observed weather is fetched; when unset, races of the last 35 days.",
    )
    open_meteo_url: str = Field(
        default="https://api.open-meteo.com", description="Address of Open-Meteo's forecasts."
    )
    open_meteo_archive_url: str = Field(
        default="https://archive-api.open-meteo.com", description="Address of Open-Meteo's archive."
    )
    openweathermap_url: str = Field(
        default="https://api.openweathermap.org/data", description="Address of OpenWeatherMap."
    )
    retry_after_max_seconds: float = Field(
        default=60.0, ge=0, description="Longest wait that a data source may ask for and get, in seconds."
    )
    jolpica_enabled: bool = Field(
        default=True, description="Use the Jolpica API, whose data are for non-commercial use only."
    )
    jolpica_url: str = Field(
        default="https://api.jolpi.ca/ergast/f1",
        description="Address of the Ergast-compatible API; seasons are below it.",
    )
    jolpica_per_hour: int = Field(default=200, ge=1, description="Requests to Jolpica in any hour.")
    jolpica_per_second: int = Field(default=4, ge=1, description="Requests to Jolpica in any second.")
    mlflow_tracking_uri: str | None = Field(
        default=None, description="MLflow tracking and registry address; SQLite in F1_HOME when unset."
    )
    forecast_from_season: int = Field(
        default=2014, ge=1951, description="First season whose races are forecast walk-forward."
    )
    train_from_season: int = Field(
        default=1990, ge=1950, description="First season that models are trained on."
    )
    retrain_recent: Literal["race", "season"] | int = Field(
        default="race",
        description="How often models are trained anew in the recent seasons: race, season, or every N races.",
    )
    retrain_recent_seasons: int = Field(
        default=2, ge=0, description="How many of the newest seasons count as recent."
    )
    retrain_before: Literal["race", "season"] | int = Field(
        default="season",
        description="How often models are trained anew in the seasons before the recent ones.",
    )
    model_versions_kept: int = Field(
        default=3,
        ge=1,
        description="Newest versions of each model whose artefacts are never pruned from MLflow.",
    )
    draws: int = Field(
        default=2000,
        ge=200,
        description="Finishing orders drawn for one forecast of one model; five times as many for the pool.",
    )
    seed: int = Field(default=20260101, ge=0, description="Base seed of every draw and fit.")
    simulated_seasons: int = Field(
        default=6, ge=2, le=60, description="Finished seasons of the simulated championship."
    )
    simulated_seed: int = Field(default=7, ge=0, description="Seed of the simulated championship.")
    automation: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Sensors and schedules run by themselves; auto is on under `f1 serve`, off elsewhere.",
    )
    executor: Literal["in_process", "multiprocess", "kubernetes"] = Field(
        default="in_process",
        description="Where the steps of a run are executed: its process, a process each, or a pod each.",
    )
    executor_steps: int = Field(
        default=2, ge=1, description="Steps of a run at a time, where each has a process or a pod of its own."
    )
    processes: int | None = Field(
        default=None,
        ge=1,
        le=2,
        description="Processes of an update: 2 forecast both horizons at once. From four cores on 2, else 1.",
    )
    failure_webhook: SecretStr | None = Field(
        default=None, description="Address that a failed run is told to (JSON, POST); a secret."
    )
    host: str = Field(default="127.0.0.1", description="Address that the servers bind to.")
    dashboard_port: int = Field(default=8501, ge=1, le=65535, description="Port of the dashboard.")
    dagster_port: int = Field(default=3000, ge=1, le=65535, description="Port of the Dagster UI.")
    mlflow_port: int = Field(default=5000, ge=1, le=65535, description="Port of the MLflow server.")
    api_port: int = Field(default=8000, ge=1, le=65535, description="Port of the API.")
    api_per_minute: int = Field(
        default=100, ge=0, description="Requests of one client to the API in any minute; 0 for no limit."
    )
    api_next_race_per_minute: int = Field(
        default=20, ge=0, description="Of these, requests for the forecast of the next race; 0 for no limit."
    )
    api_trusted_proxies: str | None = Field(
        default=None,
        description="Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas.",
    )
    api_cors_origins: str | None = Field(
        default=None,
        description="Web sites whose pages may read the API: origins separated by commas, or * for all.",
    )
    api_metrics: bool = Field(default=True, description="Serve the API's metrics for Prometheus at /metrics.")
    metrics_port: int = Field(
        default=9108, ge=1, le=65535, description="Port of the pipeline's metrics for Prometheus."
    )
    servers: str | None = Field(
        default=None,
        description="Servers whose state the dashboard shows, as name=address, separated by commas.",
    )
    enable_predictions: bool = Field(
        default=True, description="Show forecasts in the API and the dashboard; they are made in any case."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Level of the product's own log lines."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Log lines for people, or as one JSON object a line."
    )

    @field_validator("home", "f1db_archive")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        # Child processes run in other directories; a relative path would name another place there.
        return None if value is None else value.expanduser().resolve()

    @field_validator("home")
    @classmethod
    def _part_of_an_address(cls, value: Path) -> Path:
        # In an address a question mark ends the path, and %20 is a blank: the files would be made elsewhere, outside of it.
        if found := re.search(r"\?|%[0-9A-Fa-f]{2}", str(value)):
            raise ValueError(f"{value} is part of database addresses: it cannot contain {found[0]}")
        return value

    @field_validator("retrain_recent", "retrain_before", mode="before")
    @classmethod
    def _cadence(cls, value: object) -> object:
        if isinstance(value, str) and value.strip().isdigit():
            value = int(value)
        if isinstance(value, int) and value < 1:
            raise ValueError("a cadence in races must be at least 1")
        return value

    @field_validator("weather")
    @classmethod
    def _has_key(cls, value: str, info: ValidationInfo) -> str:
        if value == "openweathermap" and info.data.get("openweathermap_key") is None:
            raise ValueError("openweathermap needs F1_OPENWEATHERMAP_KEY")
        return value

    @field_validator("api_trusted_proxies")
    @classmethod
    def _networks(cls, value: str | None) -> str | None:
        for part in _parts(value):
            ip_network(part, strict=False)
        return value

    @field_validator("api_cors_origins")
    @classmethod
    def _origins(cls, value: str | None) -> str | None:
        for part in _parts(value):
            if part != "*" and not re.fullmatch(r"https?://[^/\s,]+", part):
                raise ValueError(f"{part} is no origin such as https://example.org (without a path)")
        return value

    @field_validator("servers")
    @classmethod
    def _named_addresses(cls, value: str | None) -> str | None:
        for part in _parts(value):
            if not re.fullmatch(r"[^=]*[^=\s][^=]*=\s*https?://[^\s/,]+\S*", part):
                raise ValueError(f"{part} is no name=address such as MLflow=http://mlflow:5000/health")
        return value

    @field_validator("http_retry_seconds")
    @classmethod
    def _waits(cls, value: str) -> str:
        if any(float(part) < 0 for part in value.split(",") if part.strip()):
            raise ValueError("a wait cannot be negative")
        return value

    @property
    def retry_waits(self) -> tuple[float, ...]:
        """Waits before each retry, in seconds; empty means no retry."""
        return tuple(float(part) for part in self.http_retry_seconds.split(",") if part.strip())

    @property
    def trusted_proxies(self) -> list[str]:
        """Addresses and networks whose ``X-Forwarded-For`` is believed."""
        return _parts(self.api_trusted_proxies)

    @property
    def cors_origins(self) -> list[str]:
        """Origins whose pages may read the API; ``*`` stands for all."""
        return _parts(self.api_cors_origins)

    @property
    def tables_url(self) -> str:
        """SQLAlchemy address of the product's tables."""
        return self.database_url or f"sqlite:///{self.home / 'f1.db'}"

    @property
    def tracking_uri(self) -> str:
        """MLflow tracking and registry address."""
        return self.mlflow_tracking_uri or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def update_processes(self) -> int:
        """How many processes an update has: what is set, or two where each can have two cores, as it has two fits at once.

        Two cores would gain an eighth, and such machines are short of memory.
        """
        if self.processes is not None:
            return self.processes
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return 2 if usable >= 4 else 1

    @property
    def artifacts_dir(self) -> Path:
        """Directory for MLflow artefacts (models)."""
        return self.home / "mlflow-artifacts"

    @property
    def downloads_dir(self) -> Path:
        """Directory for good copies of source archives."""
        return self.home / "downloads"

    @property
    def weather_cache(self) -> Path:
        """File of the cache of weather answers."""
        return self.http_cache_dir / "weather.sqlite"

    @property
    def http_cache_dir(self) -> Path:
        """Directory for cached answers of web APIs."""
        return self.home / "http-cache"

    @property
    def limits_dir(self) -> Path:
        """Directory for the counts of requests to web APIs. Not in the cache: who clears that asks for more."""
        return self.home / "limits"

    @property
    def dagster_home(self) -> Path:
        """Directory for Dagster's own storage when ``DAGSTER_HOME`` does not say otherwise."""
        return self.home / "dagster"

    @property
    def logs_dir(self) -> Path:
        """Directory for the logs of the supervised servers."""
        return self.home / "logs"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once. Tests clear it with ``get_settings.cache_clear()``.

    Raises:
        pydantic.ValidationError: a variable has a value that its field does not allow.
    """
    return Settings()
