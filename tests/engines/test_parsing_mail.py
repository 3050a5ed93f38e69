"""Mails: what they say in parts beside the plain text, and what is attached."""

from __future__ import annotations

import base64
import io
import struct
import subprocess
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from PIL import Image

from engines.parsing import ElementKind, ParsedDocument, ParseError
from engines.parsing.frames import MAX_MEMBERS
from engines.parsing.mail.compressed_rtf import decompress
from engines.parsing.mail.mapi import MapiAttachment, MapiMessage, Properties, Property
from engines.parsing.mail.mapi_mail import to_mail
from tests.engines.reading import Read, outline, texts

HEAD = b"From: Ann <ann@example.org>\nTo: bo@example.org\nSubject: Ferry\n"
INVITATION = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=Europe/Berlin:20260603T140000
DTEND;TZID=Europe/Berlin:20260603T153000
SUMMARY:Round for the
  swimming hall
LOCATION:Room Birke\\, first floor
ORGANIZER;CN="Ann Ada":mailto:ann@example.org
ATTENDEE;CN=Bo:MAILTO:bo@example.org
RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=10
DESCRIPTION:Bring the bills.\\nAnd the plan.
BEGIN:VALARM
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def mail(content_type: str, body: bytes, *headers: str) -> bytes:
    more = "".join(f"{header}\n" for header in headers)
    return HEAD + f"MIME-Version: 1.0\nContent-Type: {content_type}\n{more}\n".encode() + body


def body(document: ParsedDocument) -> list[str]:
    """Return the texts after the subject and the other headers."""
    return [element.text for element in document.elements[2:]]


def parts(kind: str, *found: tuple[str, str]) -> bytes:
    """Return the body of a mail that has these parts, of their types and texts."""
    return b"".join(f"--B\nContent-Type: {one}\n\n{text}\n".encode() for one, text in found) + b"--B--\n"


def test_invitation_says_what_when_and_where(read: Read) -> None:
    data = parts(
        "alternative", ("text/plain", "You are invited."), ("text/calendar; method=REQUEST", INVITATION)
    )
    document = read("a.eml", mail("multipart/alternative; boundary=B", data))
    assert [(e.kind, e.level, e.text) for e in document.elements[2:]] == [
        (ElementKind.TEXT, 0, "You are invited."),
        (ElementKind.TITLE, 2, "Round for the swimming hall"),
        (
            ElementKind.TEXT,
            0,
            "When: 2026-06-03 14:00 to 15:30 (Europe/Berlin)\n"
            "Repeats: every 2 weeks on Monday, Wednesday, 10 times\n"
            "Where: Room Birke, first floor\n"
            "Organizer: Ann Ada <ann@example.org>\n"
            "Attendees: Bo <bo@example.org>",
        ),
        (ElementKind.TEXT, 0, "Bring the bills.\nAnd the plan."),
    ]


def test_html_is_read_behind_a_stub_of_plain_text(read: Read) -> None:
    html = "<style>p {color: red}</style><script>x()</script><p>The ferry leaves at dawn on the first of June.</p>"
    data = parts("alternative", ("text/plain", "Your programme cannot show this."), ("text/html", html))
    document = read("a.eml", mail("multipart/alternative; boundary=B", data))
    assert body(document) == ["The ferry leaves at dawn on the first of June."]


def test_plain_text_that_says_more_is_read_instead_of_html(read: Read) -> None:
    plain = "The ferry leaves at dawn on the first of June."
    data = parts("alternative", ("text/plain", plain), ("text/html", "<p>See the plain text.</p>"))
    assert body(read("a.eml", mail("multipart/alternative; boundary=B", data))) == [plain]


def test_flowed_lines_are_joined_and_quotes_marked(read: Read) -> None:
    text = b"A long line that was \nbroken.\n\n> What is \n> the price?\n>> Older.\nTen euros.\n"
    document = read("a.eml", mail("text/plain; format=flowed", text))
    assert body(document) == [
        "A long line that was broken.",
        "> What is the price?",
        "> > Older.",
        "Ten euros.",
    ]


def test_quotes_of_html_are_marked(read: Read) -> None:
    html = b"<p>Ten euros.</p><blockquote><p>What is <b>the</b> price?</p><blockquote>Older.</blockquote></blockquote>"
    assert body(read("a.eml", mail("text/html", html))) == ["Ten euros.", "> What is the price?", "> Older."]


def test_long_lists_of_recipients_are_shortened(read: Read) -> None:
    people = ", ".join(f"Person {number} <p{number}@example.org>" for number in range(60))
    document = read("a.eml", b"From: a@b.c\nSubject: s\nTo: " + people.encode() + b"\n\nwords\n")
    assert "Person 9 <p9@example.org> and 50 more" in document.elements[1].text
    assert "Person 10 " not in document.elements[1].text
    assert document.metadata["to"] == people


@pytest.mark.parametrize(
    ("charset", "encoding", "words"),
    [
        ("iso-8859-1", "cp1252", "Don\u2019t pay €20 \u2013 \u201cfree\u201d."),
        ("us-ascii", "utf-8", "Größe"),
        ("gb2312", "gb18030", "会议记录已经在桌子上了"),
        ("unknown-8bit", "cp1252", "Über die Größe der Bäume"),
    ],
)
def test_texts_in_other_encodings_than_they_say(read: Read, charset: str, encoding: str, words: str) -> None:
    assert body(read("a.eml", mail(f"text/plain; charset={charset}", words.encode(encoding)))) == [words]


@pytest.mark.parametrize(
    ("subject", "wanted"),
    [
        ("Fähre – morgen".encode("cp1252"), "Fähre – morgen"),
        (
            b"=?utf-8?B?"
            + base64.b64encode(b"F\xc3")
            + b"?= =?utf-8?B?"
            + base64.b64encode(b"\xa4hre")
            + b"?=",
            "Fähre",
        ),
        (b"=?iso-8859-1?Q?=8020?=", "€20"),
    ],
    ids=["raw", "split", "windows"],
)
def test_headers_in_any_encoding(read: Read, subject: bytes, wanted: str) -> None:
    assert read("a.eml", b"From: a@b.c\nSubject: " + subject + b"\n\nwords\n").elements[0].text == wanted


def picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "PNG")
    return out.getvalue()


def test_signatures_and_logos_are_no_members(read: Read) -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = "Signed", "ann@example.org"
    message.set_content("Words.")
    message.add_attachment(
        picture(120, 60), "image", "png", disposition="inline", cid="<logo>", filename="logo.png"
    )
    message.add_attachment(picture(1, 1), "image", "png", filename="dot.png")
    message.add_attachment(
        picture(600, 400), "image", "png", disposition="inline", cid="<plan>", filename="plan.png"
    )
    message.add_attachment(b"0\x82", "application", "pkcs7-signature", filename="smime.p7s")
    message.add_attachment(
        b"-----BEGIN PGP SIGNATURE-----", "application", "pgp-signature", filename="signature.asc"
    )
    assert [member.name for member in read("a.eml", message.as_bytes()).members] == ["plan.png"]


def test_inline_signature_of_pgp_is_left_out(read: Read) -> None:
    signature = "-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END PGP SIGNATURE-----\n"
    text = f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA1\n\nWords.\n{signature}"
    assert body(read("a.eml", mail("text/plain", text.encode()))) == ["Words."]


def test_encrypted_text_is_refused(read: Read) -> None:
    with pytest.raises(ParseError) as caught:
        read("a.eml", mail("text/plain", b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n"))
    assert caught.value.code == "password_protected"


def signed(content: bytes, folder: Path) -> bytes:
    """Return the content with a signature around it (PKCS #7), made by OpenSSL."""
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    sign = ["openssl", "smime", "-sign", "-nodetach", "-binary", "-outform", "DER"]
    command = [*sign, "-signer", certificate, "-inkey", key]
    return subprocess.run(command, input=content, check=True, capture_output=True).stdout


def test_signed_part_of_a_mail_is_unwrapped(read: Read, tmp_path: Path) -> None:
    data = signed(b"Content-Type: text/plain\r\n\r\nThe quarterly budget is ten euros.\r\n", tmp_path)
    kind = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"
    document = read("a.eml", mail(kind, base64.encodebytes(data), "Content-Transfer-Encoding: base64"))
    assert body(document) == ["The quarterly budget is ten euros."]


def test_signed_file_has_a_member(read: Read, tmp_path: Path) -> None:
    (member,) = read("invoice.xml.p7m", signed(b"<total>10</total>", tmp_path)).members
    assert (member.name, member.path.read_bytes()) == ("invoice.xml", b"<total>10</total>")


def test_attached_messages_are_members(read: Read) -> None:
    inner = EmailMessage()
    inner["Subject"] = "Older: a/b"
    inner.set_content("Older words.")
    outer = EmailMessage()
    outer["Subject"] = "Newer"
    outer.set_content("See below.")
    outer.add_attachment(inner)
    (member,) = read("a.eml", outer.as_bytes()).members
    assert member.name == "Older a b.eml"
    assert b"Older words." in member.path.read_bytes()


def test_mailbox_has_all_its_mails(read: Read) -> None:
    one = b"From ann@example.org Mon Jun  1 10:00:00 2026\nSubject: One\n\nFirst.\n>From here on.\n\n"
    two = b"From bo@example.org Mon Jun  1 11:00:00 2026\nSubject: Two\n\nSecond.\n"
    document = read("archive", one + two)
    assert outline(document) == [
        ("title", "One"),
        ("text", "First.\nFrom here on."),
        ("title", "Two"),
        ("text", "Second."),
    ]


def tnef(*attributes: tuple[int, bytes]) -> bytes:
    data = b"\x78\x9f\x3e\x22\x01\x00"
    for kind, value in attributes:
        data += struct.pack("<BII", 1, kind, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)
    return data


def properties(*found: tuple[int, int, bytes]) -> bytes:
    """Return a list of properties, as TNEF has them: type, number, value."""
    data = struct.pack("<I", len(found))
    for kind, tag, value in found:
        data += struct.pack("<HHII", kind, tag, 1, len(value)) + value + bytes(-len(value) % 4)
    return data


WINMAIL = tnef(
    (0x69007, struct.pack("<II", 1252, 0)),
    (0x18004, b"Posts\0"),
    (0x69003, properties((0x0102, 0x1013, "<p>The posts are of Größe.</p>".encode("cp1252")))),
    (0x69002, bytes(14)),
    (0x18010, b"POSTS~1.TXT\0"),
    (0x6800F, b"Forty oak posts"),
    (0x69005, properties((0x1F, 0x3707, "posts größe.txt\0".encode("utf-16-le")))),
)


@pytest.mark.parametrize("is_attached", [True, False])
def test_winmail_has_a_body_and_attachments(read: Read, is_attached: bool) -> None:
    part = b"--B\nContent-Type: application/ms-tnef\nContent-Transfer-Encoding: base64\n\n%s--B--\n"
    attached = mail("multipart/mixed; boundary=B", part % base64.encodebytes(WINMAIL))
    document = read("a.eml", attached) if is_attached else read("winmail.dat", WINMAIL)
    assert "The posts are of Größe." in texts(document)
    assert [(m.name, m.path.read_bytes()) for m in document.members] == [
        ("posts größe.txt", b"Forty oak posts")
    ]


def text(words: str) -> Property:
    return Property(0x1F, words.encode("utf-16-le"))


def filetime(moment: datetime) -> Property:
    ticks = int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
    return Property(0x40, struct.pack("<Q", ticks))


def test_messages_of_outlook_become_mails(read: Read) -> None:
    inner = MapiMessage(Properties({0x37: text("Inner"), 0x1000: text("Inner words.")}))
    found = Properties(
        {
            0x1A: text("IPM.Appointment"),
            0x37: text("Outer"),
            0x3FDE: Property(3, struct.pack("<I", 1251)),
            0x1000: Property(0x1E, "Договор аренды лежит на столе.".encode("cp1251")),
            0x18208: text("Room Birke"),
            0x1820D: filetime(datetime(2026, 6, 3, 14, tzinfo=UTC)),
            0x1820E: filetime(datetime(2026, 6, 3, 15, tzinfo=UTC)),
        }
    )
    message = MapiMessage(found, attachments=[MapiAttachment(message=inner)])
    document = read("a.eml", to_mail(message).as_bytes())
    assert outline(document) == [
        ("title", "Outer"),
        ("text", "Договор аренды лежит на столе."),
        ("text", "When: 2026-06-03 14:00 to 15:00 (UTC)\nWhere: Room Birke"),
    ]
    assert [member.name for member in document.members] == ["Inner.eml"]


def test_texts_of_a_message_may_be_in_several_encodings(read: Read) -> None:
    html = "<!DOCTYPE html><body>Die Größe der Bögen steht in der Übersicht</body>"
    found = Properties(
        {
            0x37: Property(0x1E, "Größe".encode("cp1252")),
            0x3FDE: Property(3, struct.pack("<I", 65001)),
            0x1013: Property(0x1E, html.encode()),
        }
    )
    document = read("a.eml", to_mail(MapiMessage(found)).as_bytes())
    assert outline(document) == [("title", "Größe"), ("text", "Die Größe der Bögen steht in der Übersicht")]


def test_body_that_is_only_rtf_is_read(read: Read) -> None:
    rtf = rb"{\rtf1\ansi\ansicpg1250 Za\'bf\'f3\'b3\'e6.\par}"
    stored = struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf
    message = MapiMessage(Properties({0x37: text("Polish"), 0x1009: Property(0x0102, stored)}))
    assert outline(read("a.eml", to_mail(message).as_bytes())) == [("title", "Polish"), ("text", "Zażółć.")]


def test_compressed_rtf_is_unpacked() -> None:
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert decompress(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_encrypted_parts_are_told(read: Read) -> None:
    secret = "--C\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--C--\n"
    data = parts("mixed", ('multipart/encrypted; boundary="C"', secret), ("text/plain", "Sent by the list."))
    document = read("a.eml", mail("multipart/mixed; boundary=B", data))
    assert body(document) == ["Sent by the list."]
    assert document.warnings_by_code == {
        "unread_parts": "Parts of the file were not read: what is encrypted."
    }


def test_encrypted_mail_is_refused(read: Read) -> None:
    secret = b"--C\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--C--\n"
    with pytest.raises(ParseError) as caught:
        read("a.eml", mail('multipart/encrypted; boundary="C"', secret))
    assert caught.value.code == "password_protected"


def test_invitation_that_is_also_attached_is_read_once(read: Read) -> None:
    data = parts("mixed", ("text/calendar", INVITATION), ("application/ics; name=invite.ics", INVITATION))
    document = read("a.eml", mail("multipart/mixed; boundary=B", data))
    assert body(document).count("Round for the swimming hall") == 1
    assert document.members == ()


def test_encrypted_mail_in_a_mailbox_leaves_the_others(read: Read) -> None:
    encrypted = mail("multipart/encrypted; boundary=B", parts("encrypted", ("application/octet-stream", "x")))
    box = b"".join(
        b"From a@b Mon Jan  1 10:00:00 2024\n" + one + b"\n" for one in (encrypted, HEAD + b"\nWe sail.")
    )
    document = read("a.mbox", box)
    assert document.elements[-1].text == "We sail."
    assert [warning.code for warning in document.warnings] == ["unread_parts"]


def test_attached_files_may_have_very_long_names(read: Read) -> None:
    attached = b"--B\nContent-Disposition: attachment; filename=" + b"n" * 9_000 + b".txt\n\nwords\n--B--\n"
    (member,) = read("a.eml", mail("multipart/mixed; boundary=B", attached)).members
    assert (member.name[-5:], len(member.name)) == ("n.txt", 1_000)


def test_mail_with_too_many_files_says_so(read: Read) -> None:
    attached = b"--B\nContent-Disposition: attachment; filename=a.txt\n\nwords\n" * (MAX_MEMBERS + 1)
    with pytest.raises(ParseError) as caught:
        read("a.eml", mail("multipart/mixed; boundary=B", attached))
    assert caught.value.code == "archive_too_large"


def test_mailbox_of_one_mail_is_that_mail(read: Read) -> None:
    document = read(
        "a.eml", b"From ann@example.org Mon Jun  1 10:00:00 2026\n" + mail("text/plain", b"Words.\n")
    )
    assert document.metadata["author"] == "Ann <ann@example.org>"


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        (b'filename="Gr\xf6\xdfe.bin"', "Größe.bin"),
        (b"filename*0*=iso-8859-1''Gr%F6; filename*1*=%DFe.bin", "Größe.bin"),
        (b'filename="=?utf-8?b?R3LDtsOfZS5iaW4=?="', "Größe.bin"),
    ],
)
def test_names_of_attachments_in_any_encoding(read: Read, parameter: bytes, name: str) -> None:
    head = b"--B\nContent-Type: application/octet-stream\nContent-Disposition: attachment; "
    document = read("a.eml", mail("multipart/mixed; boundary=B", head + parameter + b"\n\nwords\n--B--\n"))
    assert [member.name for member in document.members] == [name]
