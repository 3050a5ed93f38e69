"""Word: what else is in a file, and files that are unusual or broken."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import docx
import pytest

from engines.parsing import ParseError
from engines.parsing.job import Job, Limits
from engines.parsing.office import ole_writer
from engines.parsing.office.ole_objects import unpack
from engines.parsing.readers.word import DOCX
from tests.engines.reading import Read, image_file, outline, text_image, texts
from tests.engines.word_files import (
    old_word_file,
    paragraph,
    run,
    word_95_file,
    word_file,
)


def drawing(graphic: str) -> str:
    graphic = f"<a:graphic><a:graphicData>{graphic}</a:graphicData></a:graphic>"
    return f"<w:r><w:drawing><wp:inline>{graphic}</wp:inline></w:drawing></w:r>"


def picture(key: str) -> str:
    return drawing(f'<pic:pic><pic:blipFill><a:blip r:embed="{key}"/></pic:blipFill></pic:pic>')


def test_charts_and_diagrams_are_text(read: Read) -> None:
    def values(*texts: str) -> str:
        return "".join(f'<c:pt idx="{at}"><c:v>{text}</c:v></c:pt>' for at, text in enumerate(texts))

    chart = (
        "<c:chartSpace><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Harvest</a:t></a:r></a:p></c:rich></c:tx></c:title>"
        f"<c:plotArea><c:barChart><c:ser><c:tx><c:strRef><c:strCache>{values('Tons')}</c:strCache></c:strRef></c:tx>"
        f"<c:cat><c:strRef><c:strCache>{values('2023', '2024')}</c:strCache></c:strRef></c:cat><c:val><c:numRef>"
        f"<c:numCache>{values('4.4000000000000004', '7')}</c:numCache></c:numRef></c:val></c:ser></c:barChart></c:plotArea>"
        "</c:chart></c:chartSpace>"
    )
    points = "".join(
        f'<dgm:pt modelId="{at}"><dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>'
        for at, text in ((3, "Second step"), (2, "First step"))
    )
    diagram = (
        f'<dgm:dataModel><dgm:ptLst><dgm:pt modelId="1" type="doc"/>{points}</dgm:ptLst><dgm:cxnLst>'
        '<dgm:cxn srcId="1" destId="2" srcOrd="0"/><dgm:cxn srcId="1" destId="3" srcOrd="1"/></dgm:cxnLst></dgm:dataModel>'
    )
    source = word_file(
        paragraph(run("Above.") + drawing('<c:chart r:id="c"/>'))
        + paragraph(run("Steps:") + drawing('<dgm:relIds r:dm="d"/>')),
        parts={"charts/chart1.xml": chart, "diagrams/data1.xml": diagram},
        relations={"c": ("chart", "charts/chart1.xml"), "d": ("diagramData", "diagrams/data1.xml")},
    )
    assert outline(read("a.docx", source)) == [
        ("text", "Above."),
        ("caption", "Harvest"),
        ("table", "| Tons\n2023 | 4.4\n2024 | 7"),
        ("text", "Steps:"),
        ("list_item", "First step"),
        ("list_item", "Second step"),
    ]


def test_imported_pages_are_read_in_place(read: Read) -> None:
    source = word_file(
        paragraph("Before.") + '<w:altChunk r:id="p"/>' + paragraph("After."),
        parts={"page.html": b"<p>Imported &amp; read.</p>"},
        relations={"p": ("aFChunk", "page.html")},
    )
    assert texts(read("a.docx", source)) == "Before.\nImported & read.\nAfter."


def test_embedded_files_are_members(read: Read) -> None:
    source = word_file(
        paragraph("See the sheet."),
        parts={
            "embeddings/sheet.xlsx": b"PK..",
            "embeddings/broken.bin": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        },
        relations={"e": ("package", "embeddings/sheet.xlsx"), "b": ("oleObject", "embeddings/broken.bin")},
    )
    document = read("a.docx", source)
    assert [member.name for member in document.members] == ["sheet.xlsx"]
    assert [(one.code, "broken.bin" in one.detail) for one in document.warnings] == [("unread_members", True)]


def test_text_in_pictures_is_read_where_it_stands(read: Read) -> None:
    image = image_file("PNG", [text_image("Call 4417")])
    source = word_file(
        paragraph(run("Read the notice.") + picture("i"))
        + paragraph(run("Missing.") + picture("missing") + picture("x"))
        + paragraph(picture("i"))
        + paragraph("End."),
        parts={"media/image1.png": image},
        relations={"i": ("image", "media/image1.png"), "x": ("image", "media/none.png")},
    )
    assert texts(read("a.docx", source)) == "Read the notice.\nCall 4417\nMissing.\nEnd."


@pytest.mark.parametrize(
    "main_type",
    [
        "application/vnd.ms-word.document.macroEnabled.main+xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
        "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
    ],
)
def test_other_flavours_are_read(read: Read, main_type: str) -> None:
    assert (
        texts(read("a.docm", word_file(paragraph("Payroll closes."), main_type=main_type)))
        == "Payroll closes."
    )


def test_strict_files_are_read(read: Read) -> None:
    def strict(data: bytes) -> bytes:
        return re.sub(
            rb"http://schemas\.openxmlformats\.org/(\w+)/2006/", rb"http://purl.oclc.org/ooxml/\1/", data
        )

    usual = zipfile.ZipFile(io.BytesIO(word_file(paragraph(run("Kept. ") + run("Gone.", "<w:vanish/>")))))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in usual.namelist():
            data = usual.read(name)
            archive.writestr(name, strict(data) if "relationships" not in name and name[0] != "[" else data)
    assert texts(read("a.docx", out.getvalue())) == "Kept."


def test_broken_parts_do_not_end_a_document(read: Read) -> None:
    source = word_file(
        paragraph('<w:hyperlink r:id="none"><w:r><w:t>Link</w:t></w:r></w:hyperlink>')
        + paragraph('<w:r><w:footnoteReference w:id="9"/></w:r><w:r><w:t>Text</w:t></w:r>'),
        parts={"styles.xml": b"<w:styles"},
        relations={"x": ("header", "none.xml")},
    )
    document = read("a.docx", source)
    assert texts(document) == "Link\nText"
    assert [one.code for one in document.warnings] == ["damaged"]


def test_what_is_left_of_a_damaged_document_is_read(read: Read) -> None:
    source = word_file(
        paragraph("Before.") + "<w:p><w:r><w:t>cut & open" + "</w:t></w:r></w:p>" + paragraph("After.")
    )
    document = read("a.docx", source)
    assert texts(document).startswith("Before.")
    assert texts(document).endswith("After.")
    assert [one.code for one in document.warnings] == ["damaged"]


def test_second_opinion_is_marked_as_damaged(tmp_path: Path) -> None:
    """A sentence that the first reader refused is read by the other one; what both refuse is damaged."""
    from engines.parsing.office import second_opinion

    source = docx.Document()
    source.add_heading("Rules", 1)
    source.add_paragraph("Close the gate.")
    source.save(str(tmp_path / "1"))
    job = Job(
        path=tmp_path / "1",
        filename="a.docx",
        workdir=tmp_path,
        mime_type=DOCX,
        limits=Limits(seconds=50, memory_mb=1536, output_mb=9, text_mb=9, ocr_pages=9),
        restart_timeout=lambda: None,
    )
    document = second_opinion.read(job, "docx", ValueError("no body"))
    assert outline(document) == [("title", "Rules"), ("text", "Close the gate.")]
    assert [(one.code, "no body" in one.detail) for one in document.warnings] == [("damaged", True)]
    (tmp_path / "1").write_bytes(b"PK")
    with pytest.raises(ParseError) as caught:
        second_opinion.read(job, "docx", ValueError("no body"))
    assert caught.value.code == "corrupt_file"


def test_first_document_of_a_parser_is_read_at_once(tmp_path: Path) -> None:
    """The limit is 0.3 seconds on an idle machine."""
    (tmp_path / "1").write_bytes(word_file(paragraph("Soon.")))
    command = (
        "import sys, time; from pathlib import Path; started = time.process_time()\n"
        "from engines.parsing.word.package import Package; from engines.parsing.word import reader as word\n"
        "from engines.parsing.word.prepare import prepare; from engines.parsing.office import tree as office_tree\n"
        "office_tree.load(prepare(Package(Path(sys.argv[1]))).data, 'docx')\n"
        "print(time.process_time() - started, 'unstructured' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", command, str(tmp_path / "1")], capture_output=True, text=True, check=True
    )
    seconds, is_heavy = done.stdout.split()
    assert float(seconds) < 0.3
    assert is_heavy == "False"


def test_old_format_is_read_with_its_objects(read: Read) -> None:
    inner: dict[tuple[str, ...], bytes] = {
        ("ObjectPool", "_12", "WordDocument"): b"x" * 5000,
        ("ObjectPool", "_13", "Equation Native"): b"y",
    }
    source = old_word_file("The lease ends in May.\r2023\r\u2022 Rent is due monthly.\r", objects=inner)
    document = read("a.doc", source)
    assert outline(document) == [
        ("text", "The lease ends in May."),
        ("text", "2023"),
        ("list_item", "Rent is due monthly."),
    ]
    assert [member.name for member in document.members] == ["object_12.doc"]
    assert [one.code for one in document.warnings] == ["unread_members"]


def test_old_encrypted_document_says_so(read: Read) -> None:
    with pytest.raises(ParseError) as caught:
        read("a.doc", old_word_file("Secret", is_encrypted=True))
    assert caught.value.code == "password_protected"


def test_packaged_files_keep_their_names() -> None:
    native = (
        b"\0\0\0\0\2\0"
        + "Übersicht.txt".encode()
        + b"\0C:\\x\\Y.txt\0\0\0\3\0"
        + struct.pack("<I", 2)
        + b"z\0"
        + struct.pack("<I", 5)
        + b"words"
    )
    file = unpack(ole_writer.written({("\x01Ole10Native",): native.ljust(5000, b"\0")}), "oleObject1.bin")
    assert file == ("Übersicht.txt", b"words")


def test_pictures_that_cannot_be_read_are_warned_of(read: Read) -> None:
    source = word_file(
        paragraph(run("A drawing.") + picture("i")),
        parts={"media/image1.emf": b"no picture"},
        relations={"i": ("image", "media/image1.emf")},
    )
    document = read("a.docx", source)
    assert texts(document) == "A drawing."
    assert [(one.code, "image1.emf" in one.detail) for one in document.warnings] == [("unread_parts", True)]


@pytest.mark.parametrize(("count", "number", "page"), [(1, 14, 1), (0xFFFFFFFF, 99, None)])
def test_pages_of_the_old_format_are_those_that_it_had(
    read: Read, count: int, number: int, page: int | None
) -> None:
    """A spoiled number of properties costs no time."""
    properties = struct.pack("<IIII", 0, count, number, 16) + struct.pack("<Ii", 3, 1)
    summary = bytes(44) + struct.pack("<I", 48) + properties.ljust(4096, b"\0")
    document = read("a.doc", old_word_file("Text.\r", objects={("\x05SummaryInformation",): summary}))
    assert [(one.text, one.page) for one in document.elements] == [("Text.", page)]


def test_properties_of_the_old_format_are_in_its_code_page(read: Read) -> None:
    title = "Договор".encode("cp1251") + b"\0"
    texts_at = 8 + 2 * 8
    properties = struct.pack("<II", 0, 2) + struct.pack("<IIII", 1, texts_at, 2, texts_at + 8)
    properties += struct.pack("<IHH", 2, 1251, 0) + struct.pack("<II", 30, len(title)) + title
    summary = bytes(44) + struct.pack("<I", 48) + properties.ljust(4096, b"\0")
    document = read("a.doc", old_word_file("Text.\r", objects={("\x05SummaryInformation",): summary}))
    assert document.metadata["title"] == "Договор"


@pytest.mark.parametrize(("name", "is_mac"), [("cp1251", False), ("mac_roman", True), ("cp1252", False)])
def test_text_of_word_95_is_read_in_its_encoding(read: Read, name: str, is_mac: bool) -> None:
    text = {
        "cp1251": "Перед началом ремонтных работ необходимо отключить оборудование.",
        "mac_roman": "Là où l’été s’achève, le café ferme à midi.",
        "cp1252": "Größe: 12 mm – “geprüft”, 20 €.",
    }[name]
    assert texts(read("a.doc", word_95_file(text.encode(name) + b"\r", is_mac=is_mac))) == text


def test_paragraphs_of_the_old_format_have_their_numbers(read: Read) -> None:
    source = old_word_file("Rent\rMonthly\rLate\rDeposit\r", levels=[0, 1, 1, 0])
    assert texts(read("a.doc", source)) == "1. Rent\n(a) Monthly\n(b) Late\n2. Deposit"
