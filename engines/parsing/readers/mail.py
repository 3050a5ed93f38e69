"""Mail."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format, text_format

EML = "message/rfc822"
FORMATS: tuple[Format, ...] = (
    text_format(
        EML,
        "engines.parsing.mail.read_eml",
        "E-mail",
        *(".eml", ".mht", ".mhtml"),
        name="mail",
        group="mail",
        detected_as=("eml",),
    ),
    binary_format(
        "application/vnd.ms-outlook",
        "engines.parsing.mail.read_msg",
        "Outlook",
        "outlook",
        name="Outlook message",
        group="mail",
        suffixes=(".msg",),
        streams=("__properties_version1.0",),
    ),
)
