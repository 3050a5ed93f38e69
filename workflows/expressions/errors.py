from core.errors import EngineError


class ExpressionError(EngineError):
    """An expression has no value. The detail says why, and never repeats data."""
