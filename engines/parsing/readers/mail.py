"""Mail."""

from __future__ import annotations

from engines.parsing.format import Format, binary_format, text_format

EML = "message/rfc822"
MBOX = "application/mbox"
_READER = "engines.parsing.mail.reader.read"
# A sequence of ASN.1 that begins with the number of something signed or encrypted.
_SIGNED = rb"0[\x80-\x84].{0,4}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07[\x02\x03\x06]"
FORMATS: tuple[Format, ...] = (
    text_format(
        EML,
        f"{_READER}_eml",
        "E-mail",
        *(".eml", ".mht", ".mhtml"),
        name="mail",
        shares_process=False,
        group="mail",
        detected_as=("eml",),
        version=2,
    ),
    text_format(
        MBOX, f"{_READER}_mbox", "Mailbox", ".mbox", name="mailbox", group="mail", shares_process=False
    ),
    binary_format(
        "application/vnd.ms-outlook",
        "engines.parsing.mail.outlook.read_msg",
        "Outlook",
        "outlook",
        name="Outlook message",
        group="mail",
        suffixes=(".msg",),
        streams=("__properties_version1.0",),
        version=3,
    ),
    binary_format(
        "application/vnd.ms-tnef",
        "engines.parsing.mail.outlook.read_tnef",
        "TNEF",
        name="winmail.dat",
        group="mail",
        signature=rb"\x78\x9f\x3e\x22",
    ),
    binary_format(
        "application/pkcs7-mime",
        "engines.parsing.mail.signed_data.read",
        "S/MIME",
        name="signed file",
        group="signed files",
        suffixes=(".p7m",),
        signature=_SIGNED,
    ),
)
