from core.errors import ConflictError, InvalidError, NotFoundError
from engines.tables import TableError


class DataSourceNotFoundError(NotFoundError):
    """There is no such data source."""


class DataImportStartedError(ConflictError):
    """This import has been started already."""


class ColumnUnknownError(InvalidError):
    """The data source has no such column."""


class TableRefusedError(InvalidError):
    """A file or a query that cannot be read. Its code is the engine's."""

    def __init__(self, error: TableError | None = None) -> None:
        super().__init__(error.detail if error else "")
        self.error = error

    @property
    def code(self) -> str:
        return self.error.code if self.error else super().code
