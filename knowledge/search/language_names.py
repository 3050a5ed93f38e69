"""The languages that people may name in a question, and the codes that passages have."""

from __future__ import annotations

from functools import cache

from django.conf.locale import LANG_INFO

from knowledge.search.phrases import fold

# Those of the languages that passages may be recognised as and Django does not name: in English, and in the language itself.
_NAMES = {
    "am": ("Amharic", "አማርኛ"),
    "bo": ("Tibetan", "བོད་སྐད་"),
    "gu": ("Gujarati", "ગુજરાતી"),
    "ku": ("Kurdish", "Kurdî"),
    "lo": ("Lao", "ລາວ"),
    "or": ("Odia", "ଓଡ଼ିଆ"),
    "si": ("Sinhala", "සිංහල"),
    "tl": ("Tagalog", "Filipino"),
    "yo": ("Yoruba", "Yorùbá"),
    "zh": ("Chinese", "中文"),
}
# Languages as which passages in others are recognised.
_RECOGNISED_AS = {"ms": "id", "nb": "no", "nn": "no"}


def language_named(value: str) -> str | None:
    """Return the language as a code of ISO 639-1, whether it is given by its code, with or without a region, as "pt-BR", or
    by its name in English or in the language itself. None if there is no such language."""
    folded = fold(value)
    return _codes().get(folded) or _codes().get(folded.replace("_", "-").partition("-")[0])


@cache
def _codes() -> dict[str, str]:
    named = [
        (code.partition("-")[0], info["name"], info["name_local"])
        for code, info in LANG_INFO.items()
        if "name" in info
    ]
    named += [(code, *names) for code, names in _NAMES.items()]
    return {fold(name): _RECOGNISED_AS.get(code, code) for code, *names in named for name in (code, *names)}
