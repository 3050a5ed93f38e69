"""Archives: names in the encodings of their systems, tar and compressed files, what cannot be unpacked, and packages that
are no archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

import pytest

from engines.parsing import ParseError
from engines.parsing.archives.file_names import decode_names
from tests.engines.reading import Read, zipped


def zipped_with_name(name: bytes, extra: bytes = b"") -> bytes:
    """Return a zip file whose name is in some encoding, which the file does not name, as older archivers write it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("n" * len(name))
        info.extra = extra
        archive.writestr(info, "words")
    return out.getvalue().replace(b"n" * len(name), name)


def tarred(files: dict[str, bytes], **options: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **options) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp932", ["表.txt"]),
        ("cp932", ["会議資料.docx", "予算表.xlsx"]),
        ("gb18030", ["简历.doc"]),
        ("gb18030", ["报告.pdf", "附件一.docx"]),
        ("big5", ["會議記錄.txt"]),
        ("cp949", ["보고서.hwp", "계약서 사본.pdf"]),
        ("cp1252", ["Übersicht.pdf", "Maße.xlsx"]),
        ("cp850", ["Prüfbericht_Größe.txt"]),
        ("cp850", ["été.txt", "Relevé août.pdf"]),
        ("cp866", ["отчет.txt", "Счет 2020.pdf"]),
        ("cp1251", ["Договор аренды.docx"]),
        ("cp1250", ["Książka żółta.txt"]),
        ("cp1250", ["Příloha č. 2.txt"]),
        ("cp852", ["Účtenka č. 5.txt"]),
        ("cp1254", ["Şartname değişikliği.doc"]),
        ("cp1252", ["Þórður Ægir.txt"]),
        ("utf-8", ["Größe.txt", "表.txt"]),
    ],
)
def test_names_are_decoded_together(encoding: str, names: list[str]) -> None:
    assert decode_names([name.encode(encoding) for name in names]) == names


def test_names_in_zip_files_are_decoded(read: Read) -> None:
    name = "議事録.txt"
    document = read("a.zip", zipped_with_name(name.encode("cp932")))
    assert [member.name for member in document.members] == [name]


def test_unicode_path_of_a_zip_entry_is_its_name(read: Read) -> None:
    raw = b"Gr\x94\xe1e?.txt"
    field = struct.pack("<BI", 1, zlib.crc32(raw)) + "Größe→.txt".encode()
    data = zipped_with_name(raw, struct.pack("<HH", 0x7075, len(field)) + field)
    assert [member.name for member in read("a.zip", data).members] == ["Größe→.txt"]


def test_tar_archive(read: Read) -> None:
    files = {"a/one.txt": b"one", "._one.txt": b"junk", "Größe.txt": b"two"}
    document = read("a.tar", tarred(files))
    assert [(m.name, m.path.read_bytes()) for m in document.members] == [
        ("a/one.txt", b"one"),
        ("Größe.txt", b"two"),
    ]


def test_names_in_tar_archives_are_decoded(read: Read) -> None:
    data = tarred({"Отчет за год.txt": b"words"}, format=tarfile.GNU_FORMAT, encoding="cp1251")  # type: ignore[arg-type]
    assert [member.name for member in read("a.tar", data).members] == ["Отчет за год.txt"]


@pytest.mark.parametrize(("suffix", "module"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_compressed_files(read: Read, suffix: str, module: object) -> None:
    pack = module.compress  # type: ignore[attr-defined]
    one = read(f"report.csv.{suffix}", pack(b"a,b\n"))
    assert [(m.name, m.path.read_bytes()) for m in one.members] == [("report.csv", b"a,b\n")]


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_compressed_tar_archives(read: Read, module: object) -> None:
    several = read("a.tgz", module.compress(tarred({"b.txt": b"words"})))  # type: ignore[attr-defined]
    assert [(m.name, m.path.read_bytes()) for m in several.members] == [("b.txt", b"words")]


def test_files_that_cannot_be_unpacked_are_left_out_and_named(read: Read) -> None:
    data = bytearray(zipped({"good.txt": b"words", "bad.txt": b"other words"}))
    start = data.index(b"bad.txt") + len("bad.txt")
    data[start : start + 4] = b"\xff\xff\xff\xff"
    document = read("a.zip", bytes(data))
    assert [member.name for member in document.members] == ["good.txt"]
    assert document.warnings_by_code == {
        "unread_members": "Files inside of this one were not taken: bad.txt."
    }


def test_cut_off_tar_archive_gives_what_it_has(read: Read) -> None:
    data = gzip.compress(tarred({"a.txt": b"words", "b.txt": bytes(range(256)) * 100}), mtime=0)[:400]
    document = read("a.tgz", data)
    assert [member.name for member in document.members] == ["a.txt"]
    assert "unread_members" in document.warnings_by_code


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_bombs_are_refused(read: Read, pack: object) -> None:
    with pytest.raises(ParseError) as caught:
        read("a.gz", pack(b"0" * (20 << 20)))  # type: ignore[operator]
    assert caught.value.code == "archive_too_large"


@pytest.mark.parametrize(
    ("name", "entries", "called"),
    [
        ("a.pages", {"Index/Document.iwa": b"x", "preview.jpg": b"x"}, "Apple Pages"),
        ("b.key", {"index.apxl": b"x"}, "Apple Keynote"),
        ("c.jar", {"META-INF/MANIFEST.MF": b"x", "A.class": b"x"}, "Java archive"),
        ("d.apk", {"AndroidManifest.xml": b"x", "META-INF/MANIFEST.MF": b"x"}, "Android app"),
        ("e.ipa", {"Payload/a.app/Info.plist": b"x"}, "iOS app"),
        ("f.vsdx", {"[Content_Types].xml": b"x", "visio/document.xml": b"x"}, "Visio drawing"),
        ("g.sxw", {"mimetype": b"application/vnd.sun.xml.writer", "content.xml": b"x"}, "OpenOffice 1 text"),
        (
            "h.sxc",
            {"META-INF/manifest.xml": b'<e a:media-type="application/vnd.sun.xml.calc" a:full-path="/"/>'},
            "OpenOffice 1 spreadsheet",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_packages_are_refused_by_their_names(
    read: Read, name: str, entries: dict[str, bytes], called: str
) -> None:
    with pytest.raises(ParseError) as caught:
        read(name, zipped(entries))
    assert caught.value.code == "unsupported_type"
    assert f'"{called}"' in caught.value.detail


@pytest.mark.parametrize(
    ("data", "called"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(60), "7z archive"),
        (bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + bytes(range(200)), "OneNote section"),
        (b"SQLite format 3\0" + bytes(range(200)), "SQLite database"),
    ],
    ids=["7z", "onenote", "sqlite"],
)
def test_other_files_are_refused_by_their_names(read: Read, data: bytes, called: str) -> None:
    with pytest.raises(ParseError) as caught:
        read("a", data)
    assert f'"{called}"' in caught.value.detail
