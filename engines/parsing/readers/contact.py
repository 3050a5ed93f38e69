"""Contacts."""

from __future__ import annotations

from engines.parsing.format import Format, text_format

CONTACT = "text/vcard"
FORMATS: tuple[Format, ...] = (
    text_format(
        CONTACT,
        "engines.parsing.mail.contact_text.read",
        "Contact",
        *(".vcf", ".vcard"),
        name="contact",
        group="contacts",
        detected_as=("vcard",),
    ),
)
