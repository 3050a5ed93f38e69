"""The bounds of expressions and templates: docs/decisions/0037-expressions-in-a-process.md."""

MAX_LENGTH = 2_000
MAX_NESTED = 2  # comprehensions
MAX_EXPRESSIONS = 100  # of a template
SECONDS = 0.25  # of processor time
MAX_CHARACTERS = 1_000_000  # of a value as JSON, and of a rendered template
MAX_DATA_CHARACTERS = 16_000_000  # that an expression may refer to
MEMORY_MB = 256
