"""Word: what a person sees of the text, in order."""

from __future__ import annotations

from tests.engines.reading import Read, outline, texts
from tests.engines.word_files import (
    NUMBERING,
    cell,
    in_list,
    paragraph,
    run,
    style,
    table,
    word_file,
)


def test_tracked_changes_are_read_as_accepted(read: Read) -> None:
    deleted = '<w:del w:id="1" w:author="a"><w:r><w:delText>fourteen</w:delText></w:r></w:del>'
    inserted = f'<w:ins w:id="2" w:author="a">{run("twenty-one")}</w:ins>'
    joined = '<w:rPr><w:del w:id="3" w:author="a"/></w:rPr>'
    gone = f'<w:tr><w:trPr><w:del w:id="4" w:author="a"/></w:trPr>{cell("gone")}{cell("too")}</w:tr>'
    source = word_file(
        paragraph(f"{run('It takes ')}{deleted}{inserted}{run(' days.')}")
        + paragraph("One half ", joined)
        + paragraph("and the other.")
        + table(cell("Kept") + cell("7"), gone, cell("Kept too") + cell("8"))
    )
    assert outline(read("a.docx", source)) == [
        ("text", "It takes twenty-one days."),
        ("text", "One half and the other."),
        ("table", "Kept | 7\nKept too | 8"),
    ]


def test_wrappers_of_text_are_transparent(read: Read) -> None:
    wrapped = (
        f"<w:sdt><w:sdtContent>{run('Control ')}</w:sdtContent></w:sdt><w:smartTag>{run('tag ')}</w:smartTag>"
        f'<w:fldSimple w:instr="DOCPROPERTY x">{run("field ")}</w:fldSimple><w:customXml>{run("xml ")}</w:customXml>'
        "<w:r><w:ruby><w:rt><w:r><w:t>reading</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>base</w:t></w:r></w:rubyBase>"
        "</w:ruby></w:r>"
    )
    rows = f"<w:sdt><w:sdtContent>{table(cell('In a') + cell('control'))}</w:sdtContent></w:sdt>"
    assert outline(read("a.docx", word_file(paragraph(wrapped) + rows))) == [
        ("text", "Control tag field xml base"),
        ("table", "In a | control"),
    ]


def test_notes_and_comments_follow_what_they_belong_to(read: Read) -> None:
    marks = '<w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:commentReference w:id="0"/></w:r>'
    source = word_file(
        paragraph(run("First.") + marks)
        + table(cell(paragraph(run("Cell") + '<w:r><w:endnoteReference w:id="3"/></w:r>')) + cell("b"))
        + paragraph("Last."),
        parts={
            "footnotes.xml": f'<w:footnote w:id="2">{paragraph("Below the line.")}</w:footnote>',
            "endnotes.xml": f'<w:endnote w:id="3">{paragraph("At the end.")}</w:endnote>',
            "comments.xml": f'<w:comment w:id="0" w:author="Ada">{paragraph("Is it so?")}</w:comment>',
        },
    )
    assert outline(read("a.docx", source)) == [
        ("text", "First."),
        ("note", "Below the line."),
        ("comment", "Comment by Ada: Is it so?"),
        ("table", "Cell | b"),
        ("note", "At the end."),
        ("text", "Last."),
    ]


def test_unseen_text_is_left_out_and_counted(read: Read) -> None:
    source = word_file(
        paragraph(run("Seen. ") + run("Hidden. ", "<w:vanish/>") + run("Shown.", '<w:vanish w:val="0"/>'))
        + paragraph("Hidden by style", style="Secret")
        + paragraph(run("white", '<w:color w:val="FFFFFF"/>'))
        + paragraph(run("tiny", '<w:sz w:val="2"/>'))
        + paragraph(
            run("white on black", '<w:color w:val="FFFFFF"/>'), '<w:shd w:val="clear" w:fill="000000"/>'
        ),
        parts={"styles.xml": style("Secret", "<w:rPr><w:vanish/></w:rPr>")},
    )
    document = read("a.docx", source)
    assert texts(document) == "Seen. Shown.\nwhite on black"
    assert document.metadata["hidden_parts"] == 4


def test_white_text_over_a_picture_is_seen(read: Read) -> None:
    white = paragraph(run("Cover", '<w:color w:val="FFFFFF"/>'))
    behind = paragraph('<w:r><w:drawing><wp:anchor behindDoc="1"/></w:drawing></w:r>')
    assert texts(read("a.docx", word_file(behind + white))) == "Cover"


def test_formulas_are_latex_or_a_plain_line(read: Read) -> None:
    fraction = (
        "<m:oMath><m:r><m:t>\U0001d44e=</m:t></m:r><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den>"
        "<m:rad><m:radPr><m:degHide/></m:radPr><m:deg/><m:e><m:r><m:t>π</m:t></m:r></m:e></m:rad></m:den></m:f></m:oMath>"
    )
    plain = "<m:oMath><m:r><m:t>S = M/W</m:t></m:r></m:oMath>"
    source = word_file(
        paragraph(f"{run('So ')}{fraction}{run(' holds.')}")
        + paragraph(f"<m:oMathPara>{fraction}</m:oMathPara>")
        + paragraph(plain * 2)
    )
    assert outline(read("a.docx", source)) == [
        ("text", r"So $a=\frac{1}{\sqrt{\pi }}$ holds."),
        ("formula", r"a=\frac{1}{\sqrt{\pi }}"),
        ("formula", "S = M/W S = M/W"),
    ]


def test_raised_figures_stay_raised(read: Read) -> None:
    raised = '<w:vertAlign w:val="superscript"/>'
    source = word_file(paragraph(run("10") + run("3", raised) + run(" on the 1") + run("st", raised)))
    assert texts(read("a.docx", source)) == "10³ on the 1st"


def test_text_boxes_are_read_once(read: Read) -> None:
    inner = f"<w:txbxContent>{paragraph('In a box.', in_list(0))}</w:txbxContent>"
    box = (
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline><a:graphic><a:graphicData '
        f'uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"><wps:wsp><wps:txbx>{inner}</wps:txbx>'
        "</wps:wsp></a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape>"
        f"<v:textbox>{inner}</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    source = word_file(
        paragraph(run("Around.") + box) + paragraph("Next", in_list(0)), parts={"numbering.xml": NUMBERING}
    )
    assert [text for _, text in outline(read("a.docx", source))] == ["Around.", "1. In a box.", "2. Next"]


def test_newest_alternative_with_text_is_read(read: Read) -> None:
    def either(new: str, old: str) -> str:
        return (
            f'<mc:AlternateContent><mc:Choice Requires="w14">{new}</mc:Choice>'
            f"<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
        )

    sign = '<s:symEx xmlns:s="http://schemas.microsoft.com/office/word/2015/wordml/symex" s:char="1F60A"/>'
    source = word_file(
        paragraph(run("A ") + either(run("new"), run("old")) + f"<w:r>{either(sign, '<w:t>😊</w:t>')}</w:r>")
        + either(paragraph("New block."), paragraph("Old block."))
    )
    assert texts(read("a.docx", source)) == "A new😊\nNew block."


def test_choices_of_forms_are_shown(read: Read) -> None:
    def field(data: str, end: str = "") -> str:
        begin = f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData>{data}</w:ffData></w:fldChar></w:r>'
        return f'{begin}<w:r><w:fldChar w:fldCharType="end"/></w:r>{end}'

    entries = "".join(f'<w:listEntry w:val="{entry}"/>' for entry in ("Sea", "Road"))
    source = word_file(
        paragraph(field('<w:checkBox><w:checked w:val="1"/></w:checkBox>', run("Insured")))
        + paragraph(field('<w:checkBox><w:default w:val="0"/></w:checkBox>', run("Express")))
        + paragraph(run("By ") + field(f'<w:ddList><w:result w:val="1"/>{entries}</w:ddList>'))
    )
    assert texts(read("a.docx", source)) == "☒Insured\n☐Express\nBy Road"


def test_signs_of_other_fonts_are_what_they_look_like(read: Read) -> None:
    source = word_file(
        paragraph(
            '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/><w:t> 5 </w:t><w:sym w:font="Symbol" w:char="F06D"/>'
            "<w:t>m, AX</w:t><w:noBreakHyphen/><w:t>4711</w:t></w:r>"
        )
        + paragraph('<w:r><w:rPr><w:rFonts w:ascii="Symbol"/></w:rPr><w:t>&#xF0A3; 3</w:t></w:r>')
    )
    assert texts(read("a.docx", source)) == "✓ 5 \u03bcm, AX-4711\n≤ 3"


def test_large_first_letter_belongs_to_its_word(read: Read) -> None:
    source = word_file(paragraph("O", '<w:framePr w:dropCap="drop"/>') + paragraph("nce upon a time."))
    assert texts(read("a.docx", source)) == "Once upon a time."


def test_fields_in_a_condition_are_not_shown(read: Read) -> None:
    def part(kind: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'

    code = "<w:r><w:instrText>{}</w:instrText></w:r>".format
    inner = part("begin") + code("MERGEFIELD x") + part("separate") + run("asked") + part("end")
    outer = (
        part("begin") + code("IF") + inner + code("= 1") + part("separate") + run("answered") + part("end")
    )
    assert texts(read("a.docx", word_file(paragraph(outer + run(" here"))))) == "answered here"
