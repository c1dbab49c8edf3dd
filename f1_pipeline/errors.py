"""Errors of the product: one root, and below it what a caller can do about each.

A *transient* failure may pass by itself and is retried (in one place: the HTTP layer of ``sources``).
A *permanent* one will not, and is never retried: a 405 retried thousands of times helps nobody.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any


class F1Error(Exception):
    """Root of every error the product raises on purpose."""


class TransientError(F1Error):
    """Something outside did not work this time; the same call may work later."""


class PermanentError(F1Error):
    """The same call will fail again until somebody changes something."""


class SourceUnavailable(TransientError):
    """A data source could not be reached or answered with a server error.

    ``retry_after``: seconds that the source asked to be left alone, None where it did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceBusy(SourceUnavailable):
    """A data source asks for a longer wait than a run may spend waiting. Go on after ``retry_at`` (aware)."""

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at

    def __reduce__(self) -> tuple[Any, ...]:  # pickle knows only the message otherwise
        return type(self), (str(self), self.retry_at)


class BudgetExhausted(TransientError):
    """Our own limit of requests to a source is used up: nothing was asked. Go on after ``retry_at`` (aware)."""

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.retry_at)


class SourceRefused(PermanentError):
    """A data source answered, and the answer is no (401, 403, 404, HTML in place of data)."""


class ArchiveCorrupt(PermanentError):
    """An archive is not a readable F1DB CSV archive, or its checksum is wrong."""


class ContractViolation(PermanentError):
    """Data break the contract of a table. Names source, race and field; nothing was written."""


class UnknownIdentity(PermanentError):
    """A source names a driver, team, circuit or race that the crosswalk does not know, or knows as another one."""


class WorldsMixed(PermanentError):
    """Real and simulated data would end up in one database."""


class LeakError(PermanentError):
    """A value was about to be used that was not known at the cutoff."""


class WriteRefused(PermanentError):
    """A write would touch other races than the ones it was asked for, or none."""


class RecipeInvalid(PermanentError):
    """A recipe (hyper-parameters of a model) that cannot be trained, or has no business in a comparison."""


class RegistryUnavailable(TransientError):
    """MLflow did not answer; tables and registry are as they were."""


class StoreUnavailable(TransientError):
    """A database or the disk under it did not go along: full, locked, restarted. Nothing is half written."""


class ArtefactCorrupt(PermanentError):
    """The file of a stored model is missing, damaged, or holds what no model of ours does."""


class NotReady(PermanentError):
    """Something that is needed first does not exist yet; the message says what to do."""
