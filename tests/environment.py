"""Sets the environment that the settings read: importing this module sets Django up for tests.

The embedded services get a folder of the suite's own, which is removed afterwards; with KEEP_TEST_DATABASE it is kept, and
so are the services and the database, so that the next run starts faster. With DATABASE_URL, missing keys are made up.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import django

# The suite sends more requests than users do; tests of the limits set their own.
UNLIMITED = dict.fromkeys(("OYL_KEY_REQUESTS", "OYL_TENANT_REQUESTS", "OYL_ADDRESS_REQUESTS"), "1000000")
FOR_SERVERS = {
    "SECRET_KEY": "a key for tests",
    "OYL_ENCRYPTION_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "OYL_AUDIT_KEY": "another key for tests",
    "ALLOWED_HOSTS": "testserver",
}


# Real documents and the seed schemas, beside the checkout. Where they are absent, the conftests leave the tests of them out.
SHARED = Path(__file__).resolve().parents[2] / "shared"
KEPT = bool(os.environ.get("KEEP_TEST_DATABASE"))


def prepare() -> None:
    if KEPT:
        folder = Path(__file__).parents[1] / "var" / "tests"
    else:
        folder = Path(tempfile.mkdtemp(prefix="oyl-test-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "static").mkdir(parents=True, exist_ok=True)  # where collected files would be served from
    folder.chmod(0o700)
    os.environ["OYL_DATA_DIR"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "oyl.settings"
    os.environ.update(UNLIMITED)
    os.environ["OYL_ALLOW_ROOT"] = "true"  # CI is root's, and the suite writes into the checkout
    if os.environ.get("DATABASE_URL"):
        os.environ.setdefault("OYL_HTTPS", "false")
        os.environ.update({name: os.environ.get(name) or value for name, value in FOR_SERVERS.items()})


if "PYTEST_XDIST_WORKER" not in os.environ:  # xdist's workers inherit the environment of the first process
    prepare()
django.setup()
