"""Questions that no collection of documents on other subjects has an answer to."""

from __future__ import annotations

import random
import string
from pathlib import Path

_FOLDER = Path(__file__).parent


def questions(*, seed: int = 0) -> list[str]:
    """A hundred: letters at random, words at random, and questions in many languages that people ask elsewhere."""
    words, abroad = (
        (_FOLDER / f"nonsense_{name}.txt").read_text(encoding="utf-8").splitlines()
        for name in ("words", "questions")
    )
    chance = random.Random(seed)  # noqa: S311
    letters = [
        " ".join(
            "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 12)))
            for _ in range(chance.randint(1, 5))
        )
        for _ in range(30)
    ]
    salads = [" ".join(chance.sample(words, chance.randint(3, 9))) for _ in range(35)]
    return [*letters, *salads, *abroad]
