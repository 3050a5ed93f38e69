from __future__ import annotations

from tests.contracts.seeds import FOLDER

collect_ignore = [] if FOLDER.is_dir() else ["test_seeds.py"]
