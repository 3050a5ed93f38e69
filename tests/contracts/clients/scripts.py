"""The examples in the documentation, as scripts that other programs run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from django.conf import settings

ANSWER = "After a paper jam, open the rear cover and pull the sheet out slowly."
COMMANDS = {"sh": ["sh"], "python": [sys.executable], "javascript": ["node", "--input-type=module"]}
REQUIRED_PROGRAMS = {"sh": "curl", "python": sys.executable, "javascript": "node"}
AVAILABLE_LANGUAGES = [language for language, program in REQUIRED_PROGRAMS.items() if shutil.which(program)]


def examples(page: str, language: str) -> str:
    """All examples of the page in the language, as one script."""
    text = (settings.BASE_DIR / "docs" / page).read_text()
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    assert blocks
    return "".join(blocks)


def run(language: str, code: str, folder: Path, environment: dict[str, str]) -> str:
    """Run the script and return its output."""
    process = subprocess.run(
        COMMANDS[language],
        input=code,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, ""), process
    return process.stdout
