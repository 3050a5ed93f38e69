"""The script and the language of texts, as long as a passage and as short as a question."""

# ruff: noqa: RUF001 - the letters are those of many alphabets

import random
import sys

import pytest

from engines.languages import LANGUAGE_OF_SCRIPT, language_of, languages_of, script_of

PASSAGES = {
    "am": "የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው።",
    "ar": "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق، وقد وهبوا عقلًا وضميرًا.",
    "bg": "Всички хора се раждат свободни и равни по достойнство и права.",
    "bn": "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে।",
    "cs": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "el": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "en": "All human beings are born free and equal in dignity and rights.",
    "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
    "fa": "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند.",
    "fi": "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan.",
    "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
    "he": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "hu": "Minden emberi lény szabadon születik és egyenlő méltósága és joga van.",
    "hy": "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով։",
    "id": "Semua orang dilahirkan merdeka dan mempunyai martabat dan hak-hak yang sama.",
    "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti.",
    "ja": "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "ka": "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.",
    "km": "មនុស្សទាំងអស់ កើតមកមានសេរីភាព និងសមភាព ក្នុងផ្នែកសេចក្ដីថ្លៃថ្នូរនិងសិទ្ធិ។",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren.",
    "pl": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.",
    "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos.",
    "ro": "Toate ființele umane se nasc libere și egale în demnitate și în drepturi.",
    "ru": "Все люди рождаются свободными и равными в своём достоинстве и правах.",
    "sv": "Alla människor är födda fria och lika i värde och rättigheter.",
    "ta": "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்.",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "tr": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.",
    "uk": "Всі люди народжуються вільними і рівними у своїй гідності та правах.",
    "ur": "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔",
    "vi": "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền.",
    "zh": "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。",
}
QUESTIONS = {
    "de": ["Kündigungsfrist Mietvertrag", "Wo finde ich die Garantiebedingungen?"],
    "el": ["τιμολόγιο", "όροι εγγύησης"],
    "en": ["warranty terms", "Who signed the contract?"],
    "ja": ["休暇の申請方法は?"],
    "ko": ["보증 조건"],
    "th": ["เงื่อนไขการรับประกัน"],
    "tr": ["garanti koşulları"],
    "vi": ["điều kiện bảo hành"],
    "zh": ["如何申请休假"],
}
WITHOUT = ["", " ", "8,978 7,679 7,175", "2024-11-03", "A-1234-5", "x", "🙂 €", "保証条件"]


@pytest.mark.parametrize("language", PASSAGES)
def test_language_of_a_sentence(language: str):
    assert language_of(PASSAGES[language]) == language


@pytest.mark.parametrize(
    ("language", "question"), [(one, text) for one in QUESTIONS for text in QUESTIONS[one]]
)
def test_language_of_a_short_question(language: str, question: str):
    assert language_of(question) == language


@pytest.mark.parametrize("text", WITHOUT)
def test_language_that_is_not_certain_is_not_told(text: str):
    assert language_of(text) is None


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("WHO", "Latn"),
        ("Ｗｉｄｅ", "Latn"),
        ("ЁЛКА 12", "Cyrl"),
        ("我们使用 Kubernetes 部署微服务", "Hani"),
        ("see figure 图 3 below", "Latn"),
        ("カタカナと漢字", "Kana"),
        ("12.5 %", None),
        ("", None),
    ],
)
def test_script_of_most_of_a_text(text: str, script: str | None):
    assert script_of(text) == script


def test_scripts_of_one_language_are_those_that_are_told_apart():
    for script, language in LANGUAGE_OF_SCRIPT.items():
        assert script_of(PASSAGES.get(language, "")) in (script, None)


def test_part_whose_language_is_not_certain_has_that_of_others():
    parts = [PASSAGES["de"], PASSAGES["de"], PASSAGES["ru"], "fatura", "Иванов", "8,978", "42.7"]
    assert languages_of(parts) == ["de", "de", "ru", "de", "ru", "de", "de"]
    assert languages_of(["8,978", "§"]) == [None, None]
    assert languages_of(["8,978", PASSAGES["el"], "fatura"]) == ["el", "el", None]


def test_any_text_has_one_answer():
    source = random.Random(1)
    for length in (1, 3, 30, 300, 3000):
        for _ in range(200):
            text = "".join(
                chr(source.randrange(source.choice((128, 0x3000, sys.maxunicode)))) for _ in range(length)
            )
            assert (language_of(text), script_of(text)) == (language_of(text), script_of(text))
