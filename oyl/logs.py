"""What is logged, and where: lines for people, or lines of JSON for programs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Attributes that records of failed work have, as `jobs.queue` gives them.
FACTS = ("tenant", "document", "job", "stage", "error")


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message, the facts of failed work, and a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        values = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: str(getattr(record, name)) for name in FACTS if hasattr(record, name)},
        }
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)


def logging_config(level: str, *, has_access_log: bool, is_json: bool) -> dict[str, Any]:
    """For the setting `LOGGING`. Raises ImproperlyConfigured."""
    if level not in LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL must be one of {', '.join(LEVELS)}, not '{level}'.")
    # Celery tells of each task, and there are twenty a minute when nothing is to be done.
    of_tasks = {"level": "INFO" if level == "DEBUG" else "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"format": "{levelname} {name}: {message}", "style": "{"},
            "json": {"()": "oyl.logs.JsonLines"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "json" if is_json else "line"},
            "access": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "oyl.access": {
                "handlers": ["access"],
                "level": "INFO" if has_access_log else "WARNING",
                "propagate": False,
            },
            "celery.worker.strategy": of_tasks,
            "celery.app.trace": of_tasks,
            "celery.beat": of_tasks,
            "django": {"handlers": [], "level": "INFO"},
            "django.request": {"level": "ERROR"},  # responses of 4xx are not logged
            "fido2": {"level": "WARNING"},  # it logs each passkey that is used
            "httpx": {"level": "WARNING"},
            "mcp": {"level": "WARNING"},  # it logs several lines for each request
            "httpcore": {"level": "WARNING"},  # with DEBUG it logs headers, which may be secret
        },
    }
