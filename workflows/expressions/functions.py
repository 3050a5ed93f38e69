"""The functions and macros of CEL that expressions have: those of the standard, and the strings, lists, numbers and sets
of the extension libraries."""

MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map"})
CONVERSIONS = frozenset(
    {"bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"}
)
# Of `type(value) == list`.
TYPES = frozenset({*CONVERSIONS, "list", "map", "null_type"})
_STANDARD = frozenset({"contains", "endsWith", "has", "matches", "size", "startsWith"})
_OF_TIMES = frozenset(
    {
        *("getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours"),
        *("getMilliseconds", "getMinutes", "getMonth", "getSeconds"),
    }
)
# Those of `cel.stdlib`, without what has no use here.
EXTENSIONS = frozenset(
    {
        *("charAt", "indexOf", "join", "lastIndexOf", "lowerAscii", "replace", "split", "substring", "trim"),
        *(
            "upperAscii",
            "strings.quote",
            "distinct",
            "flatten",
            "max",
            "min",
            "reverse",
            "slice",
            "sort",
            "sum",
        ),
        *("math.abs", "math.ceil", "math.floor", "math.greatest", "math.least", "math.round", "math.sqrt"),
        *("sets.contains", "sets.equivalent", "sets.intersects", "base64.decode", "base64.encode"),
    }
)
FUNCTIONS = MACROS | CONVERSIONS | _STANDARD | _OF_TIMES | EXTENSIONS
NAMESPACES = frozenset(name.partition(".")[0] for name in EXTENSIONS if "." in name)
