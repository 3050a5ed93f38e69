"""Hostile statements by kind, made from patterns and their aims. SECRET stands for the path of a file that no query reads,
OTHER for the Parquet file of another tenant, and OUT for a path that must not come into being."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, product, zip_longest

READERS = ("read_text", "read_blob", "read_csv", "read_csv_auto", "read_json", "read_json_auto", "read_ndjson",
           "read_parquet", "parquet_scan", "parquet_metadata", "parquet_schema", "sniff_csv", "glob")  # fmt: skip
PLACES = ("SECRET", "OTHER", "/etc/passwd", "/proc/self/environ", "/proc/self/maps", "/work/**", "s3://bucket/key",
          "https://example.org/a.csv", "file://SECRET", "../../../../etc/passwd", "/dev/stdin", "/dev/zero")  # fmt: skip
SETTINGS = ("enable_external_access", "allowed_paths", "allowed_directories", "lock_configuration", "memory_limit",
            "threads", "temp_directory", "home_directory", "extension_directory", "allow_unsigned_extensions",
            "python_enable_replacements", "max_expression_depth")  # fmt: skip
CATALOGUE = ("duckdb_settings()", "duckdb_secrets()", "duckdb_tables()", "duckdb_views()", "duckdb_functions()",
             "duckdb_databases()", "duckdb_extensions()", "duckdb_logs", "information_schema.tables",
             "information_schema.schemata", "pg_catalog.pg_class", "pg_tables", "sqlite_master", "main.sales",
             "memory.main.sales", "temp.information_schema.tables", "pragma_database_list()", "duckdb_memory()",
             "duckdb_temporary_files()", "test_all_types()", "which_secret('a','s3')")  # fmt: skip
FUNCTIONS = ("getenv('HOME')", "getenv('PATH')", "current_setting('memory_limit')", "current_setting('allowed_paths')",
             "current_user", "session_user", "current_database()", "current_schemas(true)", "getvariable('x')",
             "nextval('s')", "txid_current()", "current_query()", "pg_typeof(1)", "set_config('threads','9',false)",
             "json_serialize_sql('SELECT 1')", "write_log('x')", "add_parquet_key('k','0123456789112345')")  # fmt: skip
CHANGES = ("CREATE TABLE t AS SELECT 1", "CREATE VIEW v AS SELECT * FROM sales", "CREATE MACRO m() AS 1",
           "CREATE FUNCTION f(x) AS x", "CREATE SECRET s (TYPE s3)", "CREATE SCHEMA s", "CREATE TYPE e AS ENUM ('a')",
           "CREATE SEQUENCE s", "CREATE INDEX i ON sales (id)", "INSERT INTO sales VALUES (1)", "UPDATE sales SET id = 1",
           "DELETE FROM sales", "TRUNCATE sales", "DROP VIEW sales", "ALTER TABLE sales RENAME TO x",
           "MERGE INTO sales USING sales s ON true WHEN MATCHED THEN DELETE", "SELECT 1 INTO t",
           "WITH d AS (DELETE FROM sales RETURNING *) SELECT * FROM d", "COMMENT ON TABLE sales IS 'x'")  # fmt: skip
WORDS = ("CALL pragma_version()", "PRAGMA version", "PRAGMA database_list", "VACUUM", "CHECKPOINT", "FORCE CHECKPOINT",
         "ANALYZE", "BEGIN", "COMMIT", "ROLLBACK", "USE memory", "SHOW TABLES", "SHOW ALL TABLES", "DESCRIBE sales",
         "SUMMARIZE sales", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT * FROM sales", "PREPARE p AS SELECT 1",
         "EXECUTE p", "DEALLOCATE p", "LOAD httpfs", "INSTALL httpfs", "FORCE INSTALL spatial FROM community",
         "UPDATE EXTENSIONS", "EXPORT DATABASE 'OUT'", "IMPORT DATABASE 'SECRET'", "DETACH memory",
         "RESET enable_external_access", "FROM query('SELECT 1')", "FROM query_table('sales')", "VALUES (1)")  # fmt: skip
ATTACHES = ("ATTACH 'SECRET'", "ATTACH 'OUT' AS o", "ATTACH ':memory:' AS m", "ATTACH 'SECRET' AS s (TYPE sqlite)",
            "ATTACH 'host=127.0.0.1' AS p (TYPE postgres)", "ATTACH 'OTHER' (READ_ONLY)", "ATTACH IF NOT EXISTS 'OUT'",
            "ATTACH 'https://example.org/a.db'")  # fmt: skip
COPIES = ("COPY sales TO 'OUT'", "COPY (SELECT * FROM sales) TO 'OUT' (FORMAT parquet)", "COPY sales FROM 'SECRET'",
          "COPY (SELECT 1) TO '/dev/stdout'", "COPY (SELECT 1) TO 'OUT' (FORMAT csv, OVERWRITE true)",
          "COPY sales TO 's3://bucket/key'", "COPY FROM DATABASE memory TO o")  # fmt: skip
BOMBS = ("SELECT repeat('x', 2000000000)", "SELECT list(a.range) FROM range(100000000) a, range(10) b",
         "SELECT string_agg(md5(range::VARCHAR), ',') FROM range(200000000)",
         "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE (a.range * b.range) % 7 = 9",
         "SELECT array_agg(s) FROM (SELECT repeat('x', 100000) || range AS s FROM range(1000000))",
         "SELECT DISTINCT md5(range::VARCHAR) FROM range(500000000)",
         "SELECT histogram(range) FROM range(500000000)", "SELECT lpad('x', 2147483647, 'y')",
         "SELECT range(1000000000)", "SELECT list_transform(range(100000000), x -> repeat('y', 1000))",
         "SELECT bitstring_agg(range) FROM range(100000000)",
         "SELECT * FROM range(100000000) a ORDER BY md5(a.range::VARCHAR)",
         "SELECT unnest(range(1000000000)) AS a ORDER BY hash(a)")  # fmt: skip
RECURSIONS = ("WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t",
              "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x FROM t) SELECT * FROM t",
              "WITH RECURSIVE t AS (SELECT 'a' AS x UNION ALL SELECT x || x FROM t) SELECT max(length(x)) FROM t",
              "WITH RECURSIVE t AS (SELECT [1] AS x UNION ALL SELECT x || x FROM t) SELECT count(*) FROM t",
              "WITH RECURSIVE t AS (SELECT 1 AS x UNION SELECT x + 1 FROM t WHERE x < 1e12) SELECT sum(x) FROM t",
              )  # fmt: skip
TRICKS = ("{};{}", "SELECT 1; {}", "/* SELECT */ {}", "-- x\n{}", "SELECT 1 UNION ALL ({})", "SELECT * FROM ({})",
          "SELECT (SELECT count(*) FROM ({}))", "WITH x AS ({}) SELECT * FROM x", "EXPLAIN {}", "({})", "\ufeff{}",
          "SELECT 1 WHERE EXISTS ({})", "{}\x00", "SELECT * FROM sales WHERE id IN ({})")  # fmt: skip
NAMES = ('"SECRET"', "'SECRET'", '"OTHER"', "'OTHER'", '"/etc/passwd"', "'*.parquet'", '"sales; DROP VIEW sales"',
         '"sales"."sales"', "other.sales", '"SALES\u200b"', "$sales", ":sales", "?", "@sales", "`SECRET`",
         "'SECRET'::table", "sales.*", "(TABLE SECRET)", "glob('*')", "read_csv(getenv('HOME'))")  # fmt: skip


def kinds() -> Mapping[str, Sequence[str]]:
    files = [f"SELECT * FROM {reader}('{place}')" for reader, place in product(READERS, PLACES)]
    cte = 'WITH "SECRET" AS (SELECT 1) SELECT * FROM "SECRET", (SELECT * FROM "SECRET") x'
    return {
        "files": files,
        "scalar files": [f"SELECT {reader}('{place}')" for reader, place in product(READERS, PLACES)],
        "names": [cte, *(f"SELECT * FROM {name}" for name in NAMES), *(f"FROM {name}" for name in NAMES)],
        "joins": [f"SELECT * FROM sales JOIN {reader}('SECRET') ON true" for reader in READERS],
        "attach": ATTACHES,
        "copy": COPIES,
        "settings": [
            text.format(name)
            for name in SETTINGS
            for text in (
                "SET {} = true",
                "RESET {}",
                "PRAGMA {}=1",
                "SET GLOBAL {} = ''",
                "SET SESSION {} TO 1",
            )
        ],
        "catalogue": [f"SELECT * FROM {one}" for one in CATALOGUE],
        "functions": [f"SELECT {one}" for one in FUNCTIONS]
        + [f"SELECT id FROM sales WHERE {f} = 'x'" for f in FUNCTIONS],
        "changes": CHANGES,
        "words": WORDS,
        "tricks": [
            trick.format(*(one,) * trick.count("{}"))
            for one in (*COPIES, *ATTACHES, *WORDS[:14], *files[:12:2])
            for trick in TRICKS
        ],
        "nesting": ["SELECT " + "(" * depth + "1" + ")" * depth for depth in (50, 200, 500, 2_000, 9_000)]
        + ["SELECT " + "NOT " * 4_000 + "true", "SELECT 1" + " + 1" * 6_000, "SELECT '" + "x" * 30_000 + "'"]
        + ["SELECT * FROM (" * n + "SELECT 1" + ")" * n for n in (20, 100, 400)]
        + [" UNION ALL ".join(["SELECT 1"] * n) for n in (100, 1_000)]
        + ["SELECT CASE WHEN true THEN " * 300 + "1" + " END" * 300],
        "recursion": RECURSIONS,
        "bombs": BOMBS,
    }


def statements(most: int) -> list[tuple[str, str]]:
    """Pairs of kind and statement, of all kinds in turn."""
    by_kind = [[(kind, one) for one in found] for kind, found in kinds().items()]
    in_turn: Iterator[tuple[str, str]] = (
        one for one in chain.from_iterable(zip_longest(*by_kind)) if one is not None
    )
    return list(islice(in_turn, most))
