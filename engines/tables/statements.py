"""Which statements may run: one SELECT, over the given tables, with functions that read nothing else. What passes is written
anew from its syntax tree, so that DuckDB gets what was checked. The lock of the process does not depend on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from engines.tables import TableError

MAX_LENGTH = 20_000
MAX_NODES = 5_000
DIALECT = "duckdb"
TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
# Of the process, its settings and its catalogue, or with SQL in a text.
_FORBIDDEN = re.compile(
    r"^(?:read_.*|.*_scan|scan_.*|glob|sniff_csv|query|query_table|getenv|current_setting|set_config|getvariable|parse_path"
    r"|duckdb_.*|pragma_.*|pg_.*|which_secret|from_substrait.*|get_substrait.*|from_json_.*|json_execute.*|add_parquet_key"
    r"|checkpoint|force_checkpoint|write_log|enable_.*|disable_.*|nextval|currval|current_database|current_schemas?"
    r"|current_query|in_search_path|session_user|current_user|user|version|txid_current|storage_info|test_.*|sleep.*"
    r"|repeat_row|json_serialize_sql|json_deserialize_sql|json_serialize_plan|parquet_.*|file_.*|load_.*|install_.*)$"
)
_RUN_COMMENT = re.compile(r"/\*M?!", re.IGNORECASE)
_WORD, _NOT_A_WORD = re.compile(r"\w+"), re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Statement:
    """`tables` are those that it reads, as they are given to the check."""

    sql: str
    tables: tuple[str, ...]


def simple_name(name: str) -> str:
    """A name by which a table can be written without quotation marks."""
    word = _NOT_A_WORD.sub("_", name.strip().lower()).strip("_")
    return word if not word[:1].isdecimal() else f"_{word}"


def checked(
    sql: str, known: Collection[str], *, rows: int, values: Mapping[str, Any] | None = None
) -> Statement:
    """Raises TableError. `known` are the tables' names, which are compared without case, or in their simple form. `values`
    stand for `$name`. The result has a limit of one row more than `rows`, if it has none."""
    try:
        root = _parsed(sql)
        for node in [*root.find_all(exp.Parameter, exp.Placeholder, exp.SessionParameter)]:
            node.replace(_value(node, values or {}))
        return _checked(root, known, rows)
    except RecursionError as error:
        raise _refused("it is nested too deeply") from error


def require_select(sql: str, dialect: str) -> None:
    """Of another database: one SELECT, which writes nothing by itself; the database says what its functions may do. MySQL
    runs what stands in certain comments. Raises TableError."""
    try:
        nodes = _parsed(sql, dialect).walk()
        is_reading = all(map(_is_reading, nodes)) and not _RUN_COMMENT.search(sql)
    except (RecursionError, TableError) as error:
        raise TableError(
            "database_query", reason="only one SELECT is allowed, or it cannot be read"
        ) from error
    if not is_reading:
        raise TableError("database_query", reason="only one SELECT is allowed, which writes nothing")


def _checked(root: exp.Query, known: Collection[str], rows: int) -> Statement:
    names = _by_every_name(known)
    defined = {_new_name(cte.alias_or_name) for cte in root.find_all(exp.CTE)}
    found: dict[str, None] = {}
    for count, node in enumerate(root.walk()):
        if count > MAX_NODES:
            raise _refused("it is too long")
        _check_node(node)
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            name = _table_name(node)
            if name.lower() in defined:
                continue
            if (table := names.get(name.lower())) is None:
                raise TableError("table_unknown", name=name[:100], names=", ".join(sorted(known)) or "none")
            found[table] = None
            _rename(node, table)
    _limit(root, rows + 1)
    return Statement(root.sql(DIALECT, comments=False), tuple(found))


def _new_name(name: str) -> str:
    """Of a common table expression: never that of a file or of a part of the catalogue, which it would have elsewhere in the
    statement."""
    if not _WORD.fullmatch(name) or _FORBIDDEN.match(name.lower()) or name.lower().startswith("sqlite_"):
        raise _refused(f"'{name[:50]}' is no name for a WITH")
    return name.lower()


def _parsed(sql: str, dialect: str = DIALECT) -> exp.Query:
    if len(sql) > MAX_LENGTH:
        raise _refused(f"it has more than {MAX_LENGTH:,} characters")
    try:
        statements = [one for one in sqlglot.parse(sql, read=dialect) if one is not None]
    except SqlglotError as error:
        raise _refused(_in_words(error)) from error
    if len(statements) != 1:
        raise _refused("it is not one statement")
    root = statements[0]
    while isinstance(root, exp.Subquery) and not root.alias:
        root = root.this
    if not isinstance(root, exp.Select | exp.SetOperation):
        raise _refused("only SELECT is allowed")
    return root


def _check_node(node: exp.Expr) -> None:
    """Raises TableError for what is no part of a SELECT, and for a function that is not allowed."""
    if not _is_reading(node):
        raise _refused("only SELECT is allowed")
    if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
        name = _function_name(node.this)
        if name not in TABLE_FUNCTIONS:
            raise _refused(f"the table function '{name[:50]}' is not allowed")
    if isinstance(node, exp.Func) and _FORBIDDEN.match(name := _function_name(node)):
        raise _refused(f"the function '{name[:50]}' is not allowed")


def _is_reading(node: exp.Expr) -> bool:
    changes = exp.DDL | exp.DML | exp.Command | exp.Set | exp.Pragma | exp.Into
    return isinstance(node, exp.Query) or not isinstance(node, changes)


def _value(node: exp.Expr, values: Mapping[str, Any]) -> exp.Expr:
    """The value that is named, as a literal."""
    name = str(node.name)
    if name not in values:
        raise _refused(f"there is no value '${name[:50]}'")
    return exp.convert(values[name])


def _function_name(node: exp.Expr | exp.Func | None) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    if isinstance(node, exp.Unnest):
        return "unnest"
    return node.sql_name().lower() if isinstance(node, exp.Func) else type(node).__name__.lower()


def _table_name(node: exp.Table) -> str:
    if node.args.get("db") or node.args.get("catalog"):
        raise _refused("a table is named without a schema")
    return str(node.name)


def _by_every_name(known: Collection[str]) -> Mapping[str, str]:
    """Whole names come before simple ones, of which those that mean several tables are left out."""
    simple: dict[str, str] = {}
    doubled = set[str]()
    for name in known:
        word = simple_name(name)
        doubled |= {word} if word in simple else set()
        simple[word] = name
    return {word: name for word, name in simple.items() if word not in doubled} | {
        name.lower(): name for name in known
    }


def _rename(node: exp.Table, table: str) -> None:
    """Columns may be qualified by the name that the statement used."""
    if not node.alias:
        node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
    node.set("this", exp.to_identifier(table, quoted=True))


def _limit(root: exp.Query, rows: int) -> None:
    if not root.args.get("limit") and not root.args.get("fetch"):
        root.limit(rows, copy=False)


def _in_words(error: SqlglotError) -> str:
    found = getattr(error, "errors", None)
    if not found:
        return "its text cannot be read"
    first = found[0]
    near = str(first.get("highlight") or "")[:50]
    place = f"line {first.get('line')}, column {first.get('col')}"
    return f"{str(first.get('description')).rstrip('.')} ({place}{f', near {near!r}' if near else ''})"


def _refused(reason: str) -> TableError:
    return TableError("table_statement", reason=reason)
