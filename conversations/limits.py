"""How long texts of conversations are, in characters."""

from __future__ import annotations

# A longer answer is cut off, as a model that never ends would write it.
ANSWER_LENGTH = 100_000
COMMENT_LENGTH = 2000
SUMMARY_LENGTH = 3000
