"""Every setting, read once from the environment. docs/settings.md lists them; a test compares the two.

Without `DATABASE_URL`, `REDIS_URL` and `QDRANT_URL` the embedded services of `OYL_DATA_DIR` are used, and their keys are
made on first use. With `DATABASE_URL` this is a server installation: keys and hosts must be given, or it does not start.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.utils.functional import SimpleLazyObject, lazy

from core.oidc_provider import oidc_provider
from core.origins import origin
from core.private_files import FILE_MODE, FOLDER_MODE
from oyl.embedded import redis, secrets
from oyl.embedded.layout import Layout
from oyl.logs import logging_config
from oyl.openapi_settings import SPECTACULAR_SETTINGS  # noqa: F401 (a setting)
from oyl.unfold import UNFOLD  # noqa: F401 (a setting)

BASE_DIR = Path(__file__).resolve().parent.parent


class Env(environ.FileAwareEnv):  # type: ignore[misc]
    """Names the setting whose value cannot be read."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} has a value that cannot be used: {error}.") from error


env = Env()

OYL_DATA_DIR = Path(env.str("OYL_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
# Whether processes that root has started stay root's. Otherwise they continue as another user.
OYL_ALLOW_ROOT = env.bool("OYL_ALLOW_ROOT", default=False)
OYL_HOST = env.str("OYL_HOST", default="127.0.0.1")
OYL_PORT = env.int("OYL_PORT", default=8000)
LAYOUT = Layout(OYL_DATA_DIR)
# The connections of the web process, and the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
OYL_CONNECTIONS = env.int("OYL_CONNECTIONS", default=2000)
OYL_WEB_PROCESSES = env.int("OYL_WEB_PROCESSES", default=1)
if OYL_WEB_PROCESSES < 1:
    raise ImproperlyConfigured("OYL_WEB_PROCESSES must be 1 or more.")
OYL_TRUSTED_PROXIES = env.list("OYL_TRUSTED_PROXIES", cast=ip_network, default=[])
DATABASE_URL = env.str("DATABASE_URL", default="")
EMBEDDED = not DATABASE_URL
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default=DATABASE_URL)
if EMBEDDED and DATABASE_OWNER_URL:
    raise ImproperlyConfigured("DATABASE_OWNER_URL is set, but DATABASE_URL is not. Set both, or neither.")

# Cached, because `lazy` calls its function at each use.
_embedded_secret: Any = lazy(cache(lambda name: secrets.load_or_create(LAYOUT.secrets)[name]), str)

_embedded_passwords = cache(lambda: secrets.database_passwords(LAYOUT.database_passwords))
_embedded_password: Any = lazy(lambda role: _embedded_passwords()[role], str)


def _refuse_absent_key(name: str) -> str:
    raise ImproperlyConfigured(f"This process does not get {name}: OYL_WITHOUT_KEYS names it.")


_absent_key: Any = lazy(_refuse_absent_key, str)


def _secret(name: str) -> Any:
    """From the environment, or the embedded instance's own, which is made when it is first used: not by reading the
    settings. Raise ImproperlyConfigured; in a process that does not get it, only when it is used."""
    value = env.str(name, default="")
    if name in OYL_WITHOUT_KEYS:
        # Libraries want SECRET_KEY when they are imported. What a process signs with this one is worth nothing elsewhere.
        return get_random_secret_key() if name == "SECRET_KEY" else _absent_key(name)
    if not value and not EMBEDDED:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE): docs/settings.md says how to make one.")
    return value or _embedded_secret(name)


# Names of keys that this process has no use for, such as all of them in Celery's beat.
OYL_WITHOUT_KEYS = env.list("OYL_WITHOUT_KEYS", default=[])
SECRET_KEY = _secret("SECRET_KEY")
OYL_ENCRYPTION_KEYS = _secret("OYL_ENCRYPTION_KEYS")
OYL_AUDIT_KEY = _secret("OYL_AUDIT_KEY")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if EMBEDDED else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if not EMBEDDED and not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "Set ALLOWED_HOSTS to the host names that OYL answers to, separated by commas."
    )

# A proxy in front of OYL terminates HTTPS and sets X-Forwarded-Proto; cookies are then sent over HTTPS only.
OYL_HTTPS = env.bool("OYL_HTTPS", default=not EMBEDDED)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = OYL_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if OYL_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if OYL_HTTPS else 0
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes come from inside, without the proxy
# HSTS for subdomains and preloading bind the domain's other hosts: that is for their owner to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# The address under which people reach OYL: links to it are made with it.
_own_url = f"http://{OYL_HOST}:{OYL_PORT}"
_server_url = f"{'https' if OYL_HTTPS else 'http'}://{''.join(ALLOWED_HOSTS[:1])}"
OYL_URL = env.str("OYL_URL", default=_own_url if EMBEDDED else _server_url)

# With a host, invitations are mailed; without one, whoever invites hands the link over.
EMAIL_HOST = env.str("EMAIL_HOST", default="")
EMAIL_PORT = env.int("EMAIL_PORT", default=587)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="oyl@localhost")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "oyl.apps.OylAdminConfig",
    "core",  # its commands replace Django's
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_results",
    "allauth.account",  # what `allauth.mfa` imports; its tables are closed
    "allauth.mfa",
    "allauth.socialaccount",  # of its tables, only that of linked accounts is used
    "jobs",
    "tenants",
    "audit",
    "workspaces",
    "assistants",
    "knowledge",
    "conversations",
    "workflows",
    "webhooks",
    "oyl",
]
MIDDLEWARE = [
    "oyl.response_headers.ResponseHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "oyl.compression.ApiCompressionMiddleware",
    "oyl.middleware.StaticFilesMiddleware",
    "oyl.middleware.RequestIdMiddleware",
    "oyl.middleware.ConnectionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "oyl.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.sessions.SessionAgeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "audit.middleware.DenialMiddleware",
    "tenants.middleware.TenantMiddleware",
    "oyl.middleware.DatabaseErrorMiddleware",
]
ROOT_URLCONF = "oyl.urls"
ASGI_APPLICATION = "oyl.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _database(url: str, user: str) -> dict[str, Any]:
    """A connection from a URL, or to the embedded PostgreSQL as `user`."""
    embedded = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": str(LAYOUT.run),
        "NAME": "oyl",
        "USER": user,
        "PASSWORD": _embedded_password(user),
    }
    return {**(env.db_url_config(url) if url else embedded), "CONN_HEALTH_CHECKS": True}


# The application works as a role that owns nothing; only `migrate` uses the owner.
DATABASES = {
    "default": _database(DATABASE_URL, "oyl_app"),
    "owner": _database(DATABASE_OWNER_URL, "oyl_owner"),
}
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 0,
    "max_size": env.int("DATABASE_POOL_SIZE", default=20),
    "timeout": 10,
    "max_waiting": 200,  # one that could not be served in time anyway is refused at once
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Like the keys, the passwords of embedded services are made when they are first used.
REDIS_URL: Any = env.str("REDIS_URL", default="") or SimpleLazyObject(lambda: redis.url(LAYOUT))
QDRANT_URL = env.str("QDRANT_URL", default="")
QDRANT_API_KEY = env.str("QDRANT_API_KEY", default="")
VECTOR_SOCKET = LAYOUT.vector_socket
VECTOR_PASSWORD = SimpleLazyObject(lambda: secrets.service_passwords(LAYOUT.service_passwords)["vectors"])
VECTOR_DIR = LAYOUT.vectors

# Embedding: the built-in model, or any OpenAI-compatible endpoint.
EMBEDDING_URL = env.str("EMBEDDING_URL", default="")
EMBEDDING_MODEL = env.str("EMBEDDING_MODEL", default="")
EMBEDDING_API_KEY = env.str("EMBEDDING_API_KEY", default="")
EMBEDDING_DIMENSIONS = env.int("EMBEDDING_DIMENSIONS", default=0)
EMBEDDING_PASSAGE_PREFIX = env.str("EMBEDDING_PASSAGE_PREFIX", default="")
EMBEDDING_QUESTION_PREFIX = env.str("EMBEDDING_QUESTION_PREFIX", default="")
EMBEDDING_LANGUAGES = env.list("EMBEDDING_LANGUAGES", default=[])
EMBEDDING_PRECISION = env.str("EMBEDDING_PRECISION", default="int8")
EMBEDDING_THREADS = env.int("EMBEDDING_THREADS", default=2)
MODEL_DIR = LAYOUT.models

# Reranking: the built-in cross-encoder, or any `/rerank` of TEI, Jina or Cohere.
RERANK_URL = env.str("RERANK_URL", default="")
RERANK_MODEL = env.str("RERANK_MODEL", default="")
RERANK_API_KEY = env.str("RERANK_API_KEY", default="")
RERANK_LANGUAGES = env.list("RERANK_LANGUAGES", default=[])

# A chat model in a file, which `make up` runs for all tenants.
OYL_CHAT_MODEL_FILE = env.str("OYL_CHAT_MODEL_FILE", default="")
OYL_CHAT_MODEL_CONTEXT = env.int("OYL_CHAT_MODEL_CONTEXT", default=8192)
OYL_CHAT_MODEL_SLOTS = env.int("OYL_CHAT_MODEL_SLOTS", default=2)
OYL_CHAT_MODEL_THREADS = env.int("OYL_CHAT_MODEL_THREADS", default=0)
# What to do where the kernel lacks layers of the parser's sandbox: parse with those that are `available`, or refuse.
PARSER_SANDBOX = env.str("PARSER_SANDBOX", default="available")
if PARSER_SANDBOX not in ("available", "required"):
    raise ImproperlyConfigured("PARSER_SANDBOX must be `available` or `required`.")
# The socket of the parser service (without one, workers run parsers themselves), and limits for each file.
PARSER_SOCKET = env.str("PARSER_SOCKET", default="")
PARSER_PROCESSES = env.int("PARSER_PROCESSES", default=2)
PARSER_MEMORY_MB = env.int("PARSER_MEMORY_MB", default=1536)
PARSER_SECONDS = env.int("PARSER_SECONDS", default=50)
PARSER_OUTPUT_MB = env.int("PARSER_OUTPUT_MB", default=256)
PARSER_TEXT_MB = env.int("PARSER_TEXT_MB", default=16)
PARSER_OCR_PAGES = env.int("PARSER_OCR_PAGES", default=500)

# What a run of a workflow may have, the runs of a tenant, requests in a minute to a webhook, and steps at once in a worker.
WORKFLOW_STEPS = env.int("WORKFLOW_STEPS", default=1000)
WORKFLOW_DEPTH = env.int("WORKFLOW_DEPTH", default=5)
WORKFLOW_ITEMS = env.int("WORKFLOW_ITEMS", default=10_000)
WORKFLOW_CHILD_RUNS = env.int("WORKFLOW_CHILD_RUNS", default=100_000)
WORKFLOW_VALUE_MB = env.float("WORKFLOW_VALUE_MB", default=1.0)
WORKFLOW_FILE_MB = env.float("WORKFLOW_FILE_MB", default=100.0)
WORKFLOW_STEP_SECONDS = env.int("WORKFLOW_STEP_SECONDS", default=600)
WORKFLOW_RUNS = env.int("WORKFLOW_RUNS", default=1000)
WORKFLOW_WEBHOOK_REQUESTS = env.int("WORKFLOW_WEBHOOK_REQUESTS", default=120)
WORKFLOW_THREADS = env.int("WORKFLOW_THREADS", default=8)
# Addresses that tenants give are called only where they are public, or named here: docs/outbound.md.
OUTBOUND_ALLOW = env.list("OUTBOUND_ALLOW", default=[])
CONNECTOR_FOLDERS = env.list("CONNECTOR_FOLDERS", default=[])

AUTH_USER_MODEL = "tenants.User"
PASSWORD_RESET_TIMEOUT = 7 * 24 * 3600  # seconds, of an operator's link to choose a password
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
PASSWORD_HASHERS = [  # the first one hashes; with the second one, hashes of earlier releases are checked
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTHENTICATION_BACKENDS = ["tenants.sign_in.PasswordBackend"]
# Members may sign in by an OpenID Connect provider, and then need no password.
OIDC = oidc_provider(
    issuer=env.str("OIDC_ISSUER", default=""),
    client_id=env.str("OIDC_CLIENT_ID", default=""),
    client_secret=env.str("OIDC_CLIENT_SECRET", default=""),
    label=env.str("OIDC_LABEL", default="single sign-on"),
    domains=env.list("OIDC_DOMAINS", default=[]),
    joins=env.list("OIDC_JOIN", default=[]),
)
OYL_PASSWORD_SIGN_IN = env.bool("OYL_PASSWORD_SIGN_IN", default=True)
if not (OIDC or OYL_PASSWORD_SIGN_IN):
    raise ImproperlyConfigured(
        "OYL_PASSWORD_SIGN_IN is off, but there is no OIDC_ISSUER: members could not sign in. Set one of them."
    )
SOCIALACCOUNT_ADAPTER = "tenants.oidc.GuardedAdapter"
MFA_ADAPTER, MFA_TOTP_TOLERANCE = "tenants.second_factors.MfaAdapter", 1  # half a minute before and after
SESSION_ENGINE = "core.sessions"
SESSION_COOKIE_AGE = env.int("OYL_SESSION_IDLE_HOURS", default=12) * 3600
OYL_SESSION_DAYS = env.int("OYL_SESSION_DAYS", default=7)
VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": f"{VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{VALIDATION}.CommonPasswordValidator"},  # 20,000 leaked passwords
    {"NAME": f"{VALIDATION}.NumericPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "oyl.formats"
STATIC_URL = "static/"
STATIC_ROOT = OYL_DATA_DIR / "static"
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = FILE_MODE, FOLDER_MODE
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(LAYOUT.files)},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "KEY_FUNCTION": "core.cache_keys.tenant_key",
    }
}

CELERY_BROKER_URL = SimpleLazyObject(lambda: REDIS_URL.replace("unix://", "redis+socket://", 1))
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# No request waits for a Redis that is away or hangs: the sweep sends lost messages again.
CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 0, "socket_connect_timeout": 2, "socket_timeout": 5}
# Most tasks only notify: their results are kept where a task says so, and the class of any exception always.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = True
CELERY_RESULT_BACKEND = "oyl.task_results.TaskResultBackend"
CELERY_RESULT_EXTENDED = True
CELERY_RESULT_EXPIRES = timedelta(days=30)
CELERY_TASK_DEFAULT_QUEUE = "maintenance"
CELERY_WORKER_CONCURRENCY = 4
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
LOGGING = logging_config(
    env.str("LOG_LEVEL", default="INFO"),
    has_access_log=env.bool("OYL_ACCESS_LOG", default=True),
    is_json=env.bool("OYL_LOG_JSON", default=False),
)
DEFAULT_EXCEPTION_REPORTER_FILTER = "oyl.exception_filter.ExceptionFilter"

# Requests to the API in a minute; 0 is no limit.
OYL_KEY_REQUESTS = env.int("OYL_KEY_REQUESTS", default=600)
OYL_TENANT_REQUESTS = env.int("OYL_TENANT_REQUESTS", default=3000)
OYL_ADDRESS_REQUESTS = env.int("OYL_ADDRESS_REQUESTS", default=120)
# How many of them one key, person or address may have at once in a web process, and a tenant three times as many.
OYL_CONCURRENT_REQUESTS = env.int("OYL_CONCURRENT_REQUESTS", default=64)
OYL_CONCURRENT_STREAMS = env.int("OYL_CONCURRENT_STREAMS", default=20)
OYL_CONCURRENT_DOWNLOADS = env.int("OYL_CONCURRENT_DOWNLOADS", default=20)
OYL_CORS_ORIGINS = env.list("OYL_CORS_ORIGINS", cast=origin, default=[])
# What a tenant may store, and use in a day, unless an operator has set something else for it; 0 is no limit.
OYL_QUOTAS = {
    "storage_bytes": env.int("OYL_QUOTA_STORAGE_MB", default=100_000) << 20,
    "documents": env.int("OYL_QUOTA_DOCUMENTS", default=1_000_000),
    "chunks": env.int("OYL_QUOTA_CHUNKS", default=20_000_000),
    "embedding_tokens": env.int("OYL_QUOTA_EMBEDDING", default=2_000_000_000),
    "search_units": env.int("OYL_QUOTA_SEARCH_UNITS", default=2_000_000),
    "answers": env.int("OYL_QUOTA_ANSWERS", default=1_000_000),
    "answer_tokens": env.int("OYL_QUOTA_ANSWER_TOKENS", default=2_000_000_000),
    "events": env.int("OYL_QUOTA_EVENTS", default=1_000_000),
    "kept_answer_bytes": env.int("OYL_QUOTA_KEPT_ANSWERS_MB", default=2_000) << 20,
}
# The maximum sizes of a request, and of the part that is read into memory (all but files).
OYL_UPLOAD_MB = env.int("OYL_UPLOAD_MB", default=1024)
OYL_RECEIVED_MB = env.int("OYL_RECEIVED_MB", default=4096)
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("OYL_BODY_MB", default=1) << 20

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "core.api.problems.problem",
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["core.api.filters.FilterBackend", "core.api.filters.Ordering"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is an unknown filter, as any other
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.operations.Operation",
}
