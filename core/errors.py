"""The errors of the domain. A class's docstring is its default message; its `code` is stable.

Four base classes decide the status of an HTTP response (404, 403, 409, 422); the domain itself does not use HTTP.
"""

from __future__ import annotations

import inspect
import re
from typing import ClassVar

from core.asker_sentences import sentence_for_askers
from core.error_codes import ERROR_CODES, sentence
from core.retry_policies import RetryPolicy


class OylError(Exception):
    """Something went wrong in OYL."""

    # Of a request's body, if the error is of one.
    field: ClassVar[str] = ""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))

    @property
    def code(self) -> str:
        """The class's name in snake_case, without 'Error'."""
        name = type(self).__name__.removesuffix("Error")
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class ConfigurationError(OylError):
    """A setting does not work."""


class NotFoundError(OylError):
    """There is no such object."""


class ForbiddenError(OylError):
    """Your role does not allow this."""


class ConflictError(OylError):
    """This does not fit the present state."""


class PassingConflictError(ConflictError):
    """Another request is under way. Try again in a moment."""


class TookTooLongError(OylError):
    """This took longer than OYL allows, and was stopped. Ask for less at a time, or try again later."""


class InvalidError(OylError):
    """The request is not valid."""


class EngineError(Exception):
    """An engine failed. `code` is one of `core.error_codes`; `detail` is a sentence for users: that of the code, with
    `facts` filled in, unless another one is given."""

    def __init__(self, code: str, detail: str = "", **facts: object) -> None:
        self.code, self.detail = code, detail or sentence(code, **facts)
        super().__init__(self.detail)

    @property
    def for_askers(self) -> str:
        """The sentence for people who have asked an assistant; `detail` may name an address."""
        return sentence_for_askers(self.code)

    @property
    def retry(self) -> RetryPolicy | None:
        """The policy for retrying the call; None when a retry cannot help."""
        return ERROR_CODES[self.code].retry

    @property
    def retryable(self) -> bool:
        return self.retry is not None


class NoTenantScopeError(OylError):
    """A tenant's data was used outside of a tenant scope. Wrap the work in `with tenant_scope(tenant_id):`."""


class NestedTenantScopeError(OylError):
    """A scope of one tenant was opened inside the scope of another. Leave the first one before."""


class UnsafeRoleError(OylError):
    """The database role could bypass the isolation of tenants."""


class TenantNotFoundError(NotFoundError):
    """There is no such tenant."""


class AmbiguousTenantError(ConflictError):
    """Several tenants have this name."""
