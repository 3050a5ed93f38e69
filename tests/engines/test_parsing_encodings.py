"""Text in any encoding, and what is no text."""

from __future__ import annotations

import base64
import random

import pytest

from core.error_codes import ERROR_CODES
from engines.parsing import ParseError
from engines.parsing.texts import encoding
from tests.engines.reading import Read, texts

# ruff: noqa: RUF001
# In the language's own encodings.
RANDOM = random.Random(1)
SENTENCES = {
    ("cp1252",): [
        "Größere Lieferungen müssen über das Südtor geführt werden, weil die Brücke gesperrt ist.",
        "¿Cuándo empezará el próximo año académico? Según el señor Núñez, después del otoño.",
        "Nur für 20 € – „Käse“ und ’nen Tee.",
        "Müller",
        "naïve café",
    ],
    ("iso8859-15",): ["Der Preis beträgt 20 € für größere Mengen."],
    ("mac_roman", "cp850"): [
        "Größere Lieferungen müssen über das Südtor geführt werden, weil die Brücke gesperrt ist."
    ],
    ("cp1250", "iso8859-2"): [
        "Źródło zasilania należy wyłączyć przed rozpoczęciem wszelkich prac konserwacyjnych.",
        "Zaměstnanci musí předložit žádost o dovolenou nejméně čtrnáct dní předem.",
        "A gépet csak képzett műszerész javíthatja, különben a jótállás érvényét veszti.",
    ],
    ("cp1251", "koi8-r", "iso8859-5"): [
        "Перед началом ремонтных работ необходимо отключить оборудование от сети."
    ],
    ("koi8-u",): ["Перед початком ремонтних робіт необхідно відключити обладнання від мережі."],
    ("cp1253", "iso8859-7"): ["Η σύμβαση μίσθωσης της αποθήκης τίθεται σε ισχύ από την πρώτη Ιανουαρίου."],
    ("cp1254",): ["Sözleşme her iki tarafça imzalandıktan sonra yürürlüğe girer ve bir yıl geçerlidir."],
    ("cp1255", "iso8859-8"): ["לפני תחילת עבודות התחזוקה יש לנתק את המכשיר מרשת החשמל."],
    ("cp1256",): ["قبل البدء في أعمال الصيانة يجب فصل الجهاز عن الشبكة الكهربائية."],
    ("cp1257",): ["Prieš pradedant techninės priežiūros darbus, įrenginį reikia atjungti nuo elektros."],
    ("cp874",): ["ก่อนเริ่มงานบำรุงรักษา ต้องถอดปลั๊กอุปกรณ์ออกจากเครือข่ายไฟฟ้า"],
    ("gbk", "gb18030"): [
        "编号,产品,仓库,数量",
        "在开始维护工作之前,必须断开设备与电网的连接,并通知值班工程师和安全主管。",
    ],
    ("big5",): ["在開始維護工作之前,必須斷開設備與電網的連接,並通知值班工程師與安全主管。"],
    ("cp932", "euc-jp"): [
        "保守作業を始める前に、装置の電源を切り、担当の技術者に必ず連絡してください。",
        "倉庫の鍵は受付にあります。返却は午後五時まで。",
    ],
    ("cp949",): ["유지 보수 작업을 시작하기 전에 장비의 전원을 차단하고 담당 기술자에게 연락하십시오."],
    ("utf-16-le", "utf-16-be", "utf-32-le"): [
        "Greetings from Köln",
        "Договор аренды склада",
        "保守作業を始める前に\n連絡する",
    ],
}


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for names, sentences in SENTENCES.items() for name in names for text in sentences],
)
def test_undeclared_encodings_are_recognised(name: str, text: str) -> None:
    assert encoding.decode(text.encode(name)) == text


@pytest.mark.parametrize("name", ["cp1251", "cp932", "gbk", "cp1250"])
def test_one_row_among_many_of_ascii_tells_the_encoding(name: str) -> None:
    row = {
        "cp1251": "Втулка подшипника",
        "cp932": "ねじ,要確認",
        "gbk": "螺丝,上海仓库",
        "cp1250": "Żółty ołówek",
    }[name]
    text = "id,name,qty\n" + "7,bolt,12\n" * 200 + f"8,{row},3\n" + "9,nut,40\n" * 200
    assert encoding.decode(text.encode(name)) == text


def test_latin1_is_read_as_windows_1252() -> None:
    page = b"<meta charset=ISO-8859-1><p>Don\x92t pay \x8020 \x96 it\x92s \x93free\x94."
    assert "Don’t pay €20 – it’s “free”." in encoding.decode(page)
    assert encoding.decode(b"\x8020", declared="iso-8859-1") == "€20"


def test_a_declaration_is_checked() -> None:
    cyrillic = "Договор аренды склада вступает в силу с первого января."
    assert encoding.decode(cyrillic.encode("cp1251"), declared="iso-8859-1") == cyrillic
    assert encoding.decode(cyrillic.encode(), declared="iso-8859-1") == cyrillic
    assert encoding.decode("Grüße".encode("cp1252"), declared="utf-8") == "Grüße"
    assert encoding.decode("Привет".encode("koi8-r"), declared="koi8-r") == "Привет"
    assert encoding.decode("Grüße".encode("cp1252"), declared="no such thing") == "Grüße"


def test_one_bad_byte_costs_one_character(read: Read) -> None:
    good = "Gerät Größe geprüft – ok\n".encode()
    document = read("a.log", good * 5 + b"Pr\xfcfung beendet\n" + good * 5)
    assert texts(document).count("Gerät Größe geprüft – ok") == 10
    assert "Prüfung beendet" in texts(document)
    (warning,) = document.warnings
    assert warning.code == "replaced_bytes" and warning.detail.endswith("replaced: 1.")


def test_a_letter_that_is_cut_off_is_no_other_one() -> None:
    assert encoding.decode("über 20 €".encode()[:-1]) == "über 20 \ufffd"


def test_lines_of_two_programs_are_read_each_in_its_encoding() -> None:
    lines = ["Größe geprüft\n".encode(), "Prüfung beendet, Käse fertig\n".encode("cp1252")]
    assert encoding.decode(b"".join(lines * 10)) == "Größe geprüft\nPrüfung beendet, Käse fertig\n" * 10


def test_one_bad_byte_does_not_hide_a_legacy_encoding() -> None:
    line = "保守作業を始める前に、装置の電源を切り、担当の技術者に必ず連絡してください。\n".encode("euc-jp")
    result = encoding.decode_counted(line * 3 + b"\xff" + line * 3)
    assert result.text.count("担当の技術者") == 6
    assert result.replaced == 1


@pytest.mark.parametrize(
    "data",
    [
        b"\x01\x00\x00\x00" + b"\x8d\x00\x00\x00 EMF\x00\x00\x01\x00" * 40,
        bytes(map(RANDOM.randrange, [0x70] * 4_000, [0x90] * 4_000)),  # a sound
        bytes(map(RANDOM.randrange, [0x80] * 4_000, [0x100] * 4_000)),
        b"\xef\xbf\xbd\xef\xbf\xbdx" * 500,
    ],
    ids=["metafile", "sound", "noise", "replaced"],
)
def test_binary_files_are_no_text(read: Read, data: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        read("a", data)
    assert caught.value.code == "unsupported_type" and caught.value.code in ERROR_CODES


def test_files_written_as_letters_are_no_content(read: Read) -> None:
    picture = base64.b64encode(RANDOM.randbytes(900))
    lines = base64.encodebytes(RANDOM.randbytes(900))
    genes = b"ACGT" * 60
    document = read(
        "a.txt", b"Before " + picture + b" after.\n\n" + lines + b"\n\n" + genes + b"\n\nThe end."
    )
    assert [element.text for element in document.elements] == ["Before after.", genes.decode(), "The end."]
