"""The names of columns, from the cells of the first row; and what is said of cells that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engines.tables import CellError, TableError

MAX_COLUMNS, MAX_NAME = 300, 255
SHOWN_CELLS = 100


def column_names(cells: Sequence[Any]) -> list[str]:
    """A name for each cell, also for an empty one, and none twice: DuckDB does not tell capital letters from small ones."""
    names, taken = list[str](), {str(cell or "").strip().lower() for cell in cells}
    seen = set[str]()
    for number, cell in enumerate(cells, 1):
        first = str("" if cell is None else cell).strip() or f"column{number}"
        name, count = first, 0
        while name.lower() in seen or (count and name.lower() in taken):
            count += 1
            name = f"{first}_{count}"
        seen.add(name.lower())
        names.append(name)
    return names


def check_names(kind: str, names: Sequence[str]) -> None:
    """Raises TableError."""
    reason = ""
    if len(names) > MAX_COLUMNS:
        reason = f"it has {len(names):,} columns, and at most {MAX_COLUMNS} are kept"
    elif too_long := [name for name in names if len(name) > MAX_NAME]:
        reason = f"the name of a column has more than {MAX_NAME} characters: '{too_long[0][:50]}…'"
    if reason:
        raise TableError("table_unreadable", format=kind.upper(), reason=reason)


def cell_errors(cells: Sequence[CellError]) -> TableError:
    first = cells[0]
    where = f"'{first.column}' is '{first.value}'" if first.column else first.reason
    count = f"{len(cells)}{' or more' if len(cells) >= SHOWN_CELLS else ''}"
    return TableError("table_cells", cells=cells, count=count, row=first.row, reason=where)
