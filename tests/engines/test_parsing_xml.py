"""XML: documents, data, and Office documents in one file."""

from __future__ import annotations

import base64
import io
import zipfile

import pytest

from tests.engines.reading import Read, image_file, outline, text_image, texts


def test_data_has_its_attributes_and_records(read: Read) -> None:
    source = (
        '<?xml version="1.0" encoding="UTF-8"?><catalog xmlns:x="y" x:hidden="no"><part number="VX-300">'
        '<name lang="en">Gear wheel</name><desc><![CDATA[Fits <b>all</b> mills]]></desc><price currency="EUR">18.90</price>'
        '</part><part number="VX-301"/></catalog>'
    )
    assert [text for _, text in outline(read("a.xml", source.encode()))] == [
        "part.number: VX-300\npart.name: Gear wheel\npart.name.lang: en\npart.desc: Fits all mills\n"
        "part.price: 18.90\npart.price.currency: EUR",
        "part.number: VX-301",
    ]


def test_mixed_content_is_whole(read: Read) -> None:
    source = (
        "<patent><description><heading>Field</heading><paragraph><number>[0001]</number> This <b>FIG. 1</b> shows it."
        "</paragraph><p><b>Bold</b> rest<sup>2</sup> of<xref>3</xref>.</p></description></patent>"
    )
    assert outline(read("a.xml", source.encode())) == [
        ("title", "Field"),
        ("text", "[0001] This FIG. 1 shows it."),
        ("text", "Bold rest² of3."),
    ]


def test_entities_of_plain_text_are_read_and_others_warned_of(read: Read) -> None:
    source = (
        '<!DOCTYPE book [<!ENTITY firm "Nordlicht"><!ENTITY all "&firm; GmbH"><!ENTITY ch '
        'SYSTEM "ch.xml">]><book><para>By &firm;, not &all;.</para>&ch;</book>'
    )
    document = read("a.xml", source.encode())
    assert texts(document) == "By Nordlicht, not ."
    assert document.warnings_by_code == {"unread_parts": "Parts of the file were not read: &all;, &ch;."}


def test_documents_have_tables_notes_lists_and_formulas(read: Read) -> None:
    source = """<!DOCTYPE article><article id="a1"><front><meta><year>2020</year><month>5</month></meta></front><body><sec>
    <title>Results</title><p>Less<fn id="f1"><label>1</label><p>By cheque.</p></fn> of it.</p>
    <p>Before <list><list-item><p>one</p></list-item></list> after.</p>
    <table><colspec colname="c1"/><colspec colname="c2"/><thead><row><entry>a</entry><entry>b</entry></row></thead>
    <tbody><row><entry namest="c1" nameend="c2">both</entry></row><row><entry morerows="1">x</entry><entry>1</entry></row>
    <row><entry>2</entry></row></tbody></table>
    <disp-formula><math><msup><mi>x</mi><mn>2</mn></msup></math><label>(1)</label></disp-formula></sec></body></article>"""
    document = read("a.nxml", source.encode())
    assert outline(document) == [
        ("text", "year: 2020\nmonth: 5"),
        ("title", "Results"),
        ("text", "Less[1] of it."),
        ("note", "1 By cheque."),
        ("text", "Before"),
        ("list_item", "one"),
        ("text", "after."),
        ("table", "a | b\nboth\nx | 1\nx | 2"),
        ("formula", "x² (1)"),
    ]
    assert document.elements[7].header_rows == 1


@pytest.mark.parametrize(
    "source", ["<article><p>one &nbsp; two &auml;</p></article>", "<x:a><p>one two ä</p></x:a>"]
)
def test_xml_without_declarations_is_read(read: Read, source: str) -> None:
    document = read("noname", source.encode())
    assert (document.mime_type, outline(document)) == ("application/xml", [("text", "one two ä")])
    assert document.warnings == ()


def test_damaged_xml_is_read_on_with_a_warning(read: Read) -> None:
    document = read("a.xml", b"<a><x:name>x &unknown; y</x:name><b>more</b>")
    assert texts(document) == "name: x y\nb: more"
    assert [warning.code for warning in document.warnings] == ["damaged"]


def test_news_have_their_pages(read: Read) -> None:
    page = "&lt;p&gt;First.&lt;/p&gt;&lt;p&gt;" + "Word " * 80 + "&lt;/p&gt;"
    source = f"<rss><channel><item><title>News</title><link>http://x.y</link><description>{page}</description></item></channel></rss>"
    assert [kind for kind, _ in outline(read("a.rss", source.encode()))] == ["title", "text", "text", "text"]


def test_drawings_have_their_labels(read: Read) -> None:
    labels = "<text>Sluice <tspan>gate</tspan></text>"
    source = f'<svg xmlns="http://www.w3.org/2000/svg"><style>p {{}}</style><path d="M0 0"/>{labels}</svg>'
    assert texts(read("a.svg", source.encode())) == "Sluice gate"


def flat_package(document: bytes) -> bytes:
    """Return a package in one file, as Word saves it."""
    parts = []
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        types = archive.read("[Content_Types].xml").decode()
        for name in archive.namelist():
            if name != "[Content_Types].xml":
                found = types.partition(f'PartName="/{name}" ContentType="')[2].partition('"')[0]
                kind = found or "application/vnd.openxmlformats-package.relationships+xml"
                data = base64.encodebytes(archive.read(name)).decode()
                content = f"<pkg:binaryData>{data}</pkg:binaryData>"
                parts.append(f'<pkg:part pkg:name="/{name}" pkg:contentType="{kind}">{content}</pkg:part>')
    body = "".join(parts)
    return f'<pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">{body}</pkg:package>'.encode()


def test_word_documents_in_one_file_are_read_as_such(read: Read) -> None:
    import docx

    source, out = docx.Document(), io.BytesIO()
    source.add_heading("Handbook", 1)
    source.add_paragraph("It applies to all.")
    source.add_picture(io.BytesIO(image_file("PNG", [text_image("Call 4417")])))
    source.save(out)
    document = read("a.xml", flat_package(out.getvalue()))
    assert outline(document) == [("title", "Handbook"), ("text", "It applies to all."), ("text", "Call 4417")]


def test_word_of_2003_is_read(read: Read) -> None:
    source = """<?xml version="1.0"?><?mso-application progid="Word.Document"?>
    <w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml" xmlns:aml="http://schemas.microsoft.com/aml/2001/core"
    xmlns:wx="http://schemas.microsoft.com/office/word/2003/auxHint"><w:body><wx:sect><w:p><w:r><w:t>At war with </w:t></w:r>
    <aml:annotation w:type="Word.Deletion"><aml:content><w:r><w:delText>Eurasia</w:delText></w:r></aml:content>
    </aml:annotation>
    <aml:annotation w:type="Word.Insertion"><aml:content><w:r><w:t>Eastasia</w:t></w:r></aml:content></aml:annotation></w:p>
    <w:p><w:r><w:pict><w:binData w:name="x">AAAA</w:binData></w:pict><w:t>Done.</w:t></w:r></w:p></wx:sect></w:body>
    </w:wordDocument>"""
    assert texts(read("a.xml", source.encode())) == "At war with Eastasia\nDone."


def test_excel_of_2003_keeps_its_columns(read: Read) -> None:
    source = """<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
    xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Stock"><Table><Row><Cell ss:MergeAcross="1">
    <Data ss:Type="String">Item</Data></Cell><Cell><Data ss:Type="String">Qty</Data></Cell></Row>
    <Row><Cell ss:Index="3"><Data ss:Type="Number">4</Data></Cell></Row></Table></Worksheet></Workbook>"""
    document = read("a.xls", source.encode())
    assert outline(document) == [("title", "Stock"), ("table", "Item | Item | Qty\n| | 4")]
    assert {element.page for element in document.elements} == {1}


def test_data_in_a_document_are_records(read: Read) -> None:
    """Records of one name are a line; what stands there several times is read once; codes have their names."""
    person = "<contrib><name><surname>{}</surname><given-names>{}</given-names></name></contrib>"
    source = (
        "<article><front><article-id>10.1/77</article-id><subj-group><subject>Bees</subject><subj-group>"
        "<subject>Honey</subject><subject>Bees</subject></subj-group></subj-group><contrib-group>"
        f"{person.format('Ito', 'Mei')}{person.format('Falk', 'Ole')}</contrib-group>"
        "<date><day>04</day><month>July</month></date></front>"
        "<body><sec><title>Hives</title><p>Bees live in hives.</p></sec></body></article>"
    )
    assert outline(read("a.xml", source.encode())) == [
        (
            "text",
            "article-id: 10.1/77\nsubject: Bees; Honey\ncontrib: Ito, Mei; Falk, Ole\nday: 04\nmonth: July",
        ),
        ("title", "Hives"),
        ("text", "Bees live in hives."),
    ]
