"""Calendars and contacts."""

from __future__ import annotations

import pytest

from tests.engines.reading import Read, outline


@pytest.mark.parametrize("name", ["a.vcf", "a"])
def test_contacts_of_all_versions(read: Read, name: str) -> None:
    source = (
        "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg;;Prof.;\nTEL;CELL:+49 1\n"
        "ADR;QUOTED-PRINTABLE:;;Am=20=\nKai 2;Kiel\nEND:VCARD\n"
        'BEGIN:VCARD\nVERSION:4.0\nFN:Ada\\, B.\nitem1.EMAIL:a@example.org\nTEL;VALUE=uri;TYPE="voice,home":tel:+1-5\n'
        "PHOTO;ENCODING=b:/9j/4AAQ\n SkZJRgAB\nNOTE:Key\\nhere\nEND:VCARD\n"
    )
    assert outline(read(name, source.encode())) == [
        ("title", "Prof. Jörg Müller"),
        ("text", "Telephone: +49 1\nAddress: Am Kai 2, Kiel"),
        ("title", "Ada, B."),
        ("text", "Email: a@example.org\nTelephone: +1-5\nNote: Key here"),
    ]


@pytest.mark.parametrize(
    ("lines", "when"),
    [
        ("DTSTART;VALUE=DATE:20260603\nDTEND;VALUE=DATE:20260606", "When: 2026-06-03 to 2026-06-05"),
        ("DTSTART;VALUE=DATE:20260603\nDTEND;VALUE=DATE:20260604", "When: 2026-06-03"),
        ("DTSTART:20260603T100000Z\nDURATION:PT1H30M", "When: 2026-06-03 10:00 to 11:30 (UTC)"),
        ("DTSTART:20260603T220000\nDTEND:20260604T010000", "When: 2026-06-03 22:00 to 2026-06-04 01:00"),
        ("DUE:20260701T120000\nSTATUS:CANCELLED", "Status: cancelled\nDue: 2026-07-01 12:00"),
    ],
)
def test_calendar_files(read: Read, lines: str, when: str) -> None:
    document = read("a.ics", f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Visit\n{lines}\nEND:VEVENT\n".encode())
    assert outline(document) == [("title", "Visit"), ("text", when)]
