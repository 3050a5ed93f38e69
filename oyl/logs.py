"""What is logged, and where."""

from __future__ import annotations

from typing import Any


def logging_config(level: str, *, has_access_log: bool) -> dict[str, Any]:
    """For the setting `LOGGING`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line"},
            "access": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "oyl.access": {
                "handlers": ["access"],
                "level": "INFO" if has_access_log else "WARNING",
                "propagate": False,
            },
            "django": {"handlers": [], "level": "INFO"},
            "django.request": {"level": "ERROR"},  # responses of 4xx are not logged
            "httpx": {"level": "WARNING"},
            "mcp": {"level": "WARNING"},  # it logs several lines for each request
            "httpcore": {"level": "WARNING"},  # with DEBUG it logs headers, which may be secret
        },
    }
