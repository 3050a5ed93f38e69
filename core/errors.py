"""The errors of the domain. A class's docstring is its default message; its `code` is stable.

Four kinds decide what a door answers (404, 403, 409, 422); the domain itself knows nothing of HTTP.
"""

from __future__ import annotations

import inspect
import re


class OylError(Exception):
    """Something went wrong in OYL."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))

    @property
    def code(self) -> str:
        """The class's name in snake_case, without 'Error'."""
        name = type(self).__name__.removesuffix("Error")
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class NotFoundError(OylError):
    """There is no such object."""


class ForbiddenError(OylError):
    """Your role does not allow this."""


class ConflictError(OylError):
    """This does not fit the present state."""


class InvalidError(OylError):
    """The request is not valid."""


class PortError(Exception):
    """A part outside of the process, behind one of the ports, did not do what was asked. `code` is stable, `detail` is
    for operators; `retryable` says whether the same call may succeed later."""

    def __init__(self, code: str, detail: str, *, retryable: bool) -> None:
        super().__init__(detail)
        self.code, self.detail, self.retryable = code, detail, retryable


class NoTenantScopeError(OylError):
    """A tenant's data was used outside of a tenant scope. Wrap the work in `with tenant_scope(tenant_id):`."""


class NestedTenantScopeError(OylError):
    """A scope of one tenant was opened inside the scope of another. Leave the first one before."""


class UnsafeRoleError(OylError):
    """The database role could bypass the isolation of tenants."""


class TenantNotFoundError(NotFoundError):
    """There is no such tenant."""
