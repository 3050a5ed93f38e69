"""SFTP (openssh-server) and IMAP (dovecot): programs of Debian. The nearest conftest leaves this file out without them."""

from __future__ import annotations

import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import paramiko
import pytest

from tests.core.outbound.servers import PUBLIC
from tests.knowledge.connectors.benches import Bench
from tests.support.api_client import Caller

SSHD, DOVECOT = "/usr/sbin/sshd", "/usr/sbin/dovecot"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((PUBLIC, 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex((PUBLIC, port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")


@pytest.fixture
def key() -> paramiko.RSAKey:
    return paramiko.RSAKey.generate(2048)


@pytest.fixture
def sshd(tmp_path: Path, key: paramiko.RSAKey) -> Iterator[int]:
    """For this user, with this key."""
    port, host_key = free_port(), tmp_path / "host_key"
    paramiko.RSAKey.generate(2048).write_private_key_file(str(host_key))
    (tmp_path / "keys").write_text(f"{key.get_name()} {key.get_base64()}\n")
    options = {
        "Port": port,
        "ListenAddress": PUBLIC,
        "HostKey": host_key,
        "AuthorizedKeysFile": tmp_path / "keys",
        "PidFile": tmp_path / "pid",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp",
    }
    (tmp_path / "config").write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen([SSHD, "-D", "-f", str(tmp_path / "config"), "-E", str(tmp_path / "log")])
    wait_for(port)
    yield port
    process.terminate()
    process.wait()


def add(bench: Bench, kind: str, config: dict[str, object]) -> str:
    form = {"workspace": str(bench.library.reference.workspace_id), "name": kind, "type_enum": kind}
    return str(bench.caller.post("integration-configs/", {**form, "config": config}).json()["id"])


def outcome(caller: Caller, pk: str) -> dict[str, str]:
    found: dict[str, str] = caller.post(f"integration-configs/{pk}/test/", {}).json()
    return found


def test_sftp_folder_is_followed_once_its_host_key_is_known(
    bench: Bench, sshd: int, key: paramiko.RSAKey, tmp_path: Path
):
    folder = tmp_path / "served"
    (folder / "sub").mkdir(parents=True)
    (folder / "one.md").write_text("# One\n\nThe first text.\n")
    (folder / "sub" / "two.md").write_text("# Two\n\nThe second text.\n")
    key.write_private_key_file(str(tmp_path / "private"))
    config: dict[str, object] = {
        "host": PUBLIC,
        "port": sshd,
        "username": pwd.getpwuid(os.getuid()).pw_name,
        "private_key": (tmp_path / "private").read_text(),
        "folder": str(folder),
    }
    pk = add(bench, "sftp", config)
    asked = outcome(bench.caller, pk)
    assert asked["code"] == "integration_host_key"
    fingerprint = asked["detail"].partition("SHA256:")[2].partition(",")[0]
    bench.caller(
        "patch", f"integration-configs/{pk}/", {"config": {**config, "host_key": f"SHA256:{fingerprint}"}}
    )
    assert outcome(bench.caller, pk)["ok"]
    made = bench.connector("sftp", {}, {**config, "host_key": f"SHA256:{fingerprint}"})
    assert bench.counts(made) == (2, 0, 0, 0, 0)
    (folder / "one.md").write_text("# One\n\nAnother and longer text.\n")
    assert bench.counts(made) == (0, 1, 1, 0, 0)
    assert bench.metadata("sub/two.md")["source_url"].startswith(f"sftp://{PUBLIC}/")
    wrong = add(bench, "webhook", {"url": "https://example.org"})
    assert wrong
    stranger = paramiko.RSAKey.generate(2048)
    stranger.write_private_key_file(str(tmp_path / "other"))
    other = {**config, "host_key": f"SHA256:{fingerprint}", "private_key": (tmp_path / "other").read_text()}
    bench.caller("patch", f"integration-configs/{pk}/", {"config": other})
    assert outcome(bench.caller, pk)["code"] == "integration_denied"


@pytest.fixture
def dovecot(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    base = Path(f"/tmp/oyl-dovecot-{port}")
    base.mkdir()
    base.chmod(0o755)
    user = pwd.getpwuid(65534)
    (base / "users").write_text(f"ada:{{PLAIN}}pass-word:{user.pw_uid}:{user.pw_gid}::{base}/home::\n")
    (base / "users").chmod(0o644)
    (base / "home").mkdir()
    os.chown(base / "home", user.pw_uid, user.pw_gid)
    (base / "dovecot.conf").write_text(CONFIG.format(base=base, port=port, address=PUBLIC))
    process = subprocess.Popen([DOVECOT, "-F", "-c", str(base / "dovecot.conf")])
    wait_for(port)
    yield port
    process.terminate()
    process.wait()
    shutil.rmtree(base, ignore_errors=True)


CONFIG = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap
listen = {address}
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
first_valid_uid = 1000
last_valid_uid = 65535
mail_location = maildir:{base}/home/mail
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = passwd-file
  args = {base}/users
}}
userdb {{
  driver = passwd-file
  args = {base}/users
}}
namespace inbox {{
  inbox = yes
}}
"""


# Its boundary is no ASCII, its date is none, and its charset is unknown.
DAMAGED = (
    b"Subject: =?x-unknown?Q?h=E4llo?=\r\nDate: never\r\n"
    b'Content-Type: multipart/mixed; boundary="\xe4"\r\n\r\n--\xe4\r\n\r\nx\r\n'
)


def mail(subject: str, attachment: str = "") -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ada <ada@example.org>", "bob@example.org", subject
    made["Date"] = "Mon, 01 Jun 2026 10:00:00 +0000"
    made.set_content(f"The text of {subject}.")
    if attachment:
        made.add_attachment(attachment.encode(), maintype="text", subtype="markdown", filename="notes.md")
    return made.as_bytes()


def test_mailbox_is_followed_with_its_attachments(bench: Bench, dovecot: int):
    box = imaplib.IMAP4(PUBLIC, dovecot)
    box.login("ada", "pass-word")
    box.append("INBOX", "", "", DAMAGED)  # type: ignore[arg-type]
    for subject, attachment in (("First", ""), ("Second", "# Lighthouses\n\nThey shine at night.\n")):
        box.append("INBOX", "", "", mail(subject, attachment))  # type: ignore[arg-type]
    config = {"host": PUBLIC, "port": dovecot, "security": "none", "username": "ada", "password": "pass-word"}
    connector = bench.connector("imap", {}, config)
    assert bench.counts(connector) == (3, 0, 0, 0, 0)
    assert DAMAGED in bench.bodies().values()
    bench.library.work()
    names = {row.filename for row in bench.library.documents().values()}
    assert {"First.eml", "Second.eml", "notes.md"} <= names
    first = next(row for row in bench.library.documents().values() if row.filename == "First.eml")
    assert first.metadata_json["subject"] == "First" and first.metadata_json["date"].startswith("2026-06-01")
    box.select("INBOX")
    assert box.search(None, "UNSEEN")[1] != [b""]  # OYL has marked nothing as read
    box.append("INBOX", "", "", mail("Third"))  # type: ignore[arg-type]
    box.store("1", "+FLAGS", "\\Deleted")
    box.expunge()
    assert bench.counts(connector) == (1, 0, 2, 1, 0)
    pk = add(bench, "imap", {**config, "password": "wrong"})
    assert outcome(bench.caller, pk)["code"] == "integration_denied"
    box.logout()
