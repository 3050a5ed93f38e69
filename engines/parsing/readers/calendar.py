"""Calendars."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

CALENDAR = "text/calendar"
FORMATS: tuple[Format, ...] = (
    text_format(
        CALENDAR,
        "engines.parsing.mail.calendar_text.read",
        "Calendar",
        *(".ics", ".ical", ".ifb", ".vcs"),
        name="calendar",
        group="calendars",
        detected_as=("ics",),
    ),
)
