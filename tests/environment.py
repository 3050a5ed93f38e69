"""What the settings read, set before anything reads them: importing this module makes Django ready for tests.

The embedded services get a folder of the suite's own; with DATABASE_URL, missing keys are made up.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import django

FOR_SERVERS = {
    "SECRET_KEY": "a key for tests",
    "OYL_ENCRYPTION_KEYS": "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "OYL_AUDIT_KEY": "another key for tests",
    "ALLOWED_HOSTS": "testserver",
}

folder = Path(tempfile.mkdtemp(prefix="oyl-test-"))
folder.chmod(0o755)  # started by root, PostgreSQL runs as another user
(folder / "static").mkdir()  # where collected files would be served from
atexit.register(shutil.rmtree, folder, ignore_errors=True)
VALUES = {"OYL_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "oyl.settings"}
if os.environ.get("DATABASE_URL"):
    given = {**FOR_SERVERS, "OYL_HTTPS": "false", **{k: v for k, v in os.environ.items() if v}}
    VALUES |= {name: given[name] for name in (*FOR_SERVERS, "OYL_HTTPS")}


def export() -> None:
    os.environ.update(VALUES)


export()
django.setup()
