"""What a model's cosines mean. Of texts that have nothing to do with each other, one model says 0.03 and another 0.76."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import numpy as np

from engines.embedding import E5Config, Embedder, MiniLMConfig, TextRole
from engines.singleton import Singleton

# A model that knows no difference would divide by zero.
MIN_SPREAD = 0.05
# Questions with a passage that answers each of them, on subjects far from each other.
PAIRS = (
    (
        "How is bread made to rise?",
        "Yeast ferments the sugar in the dough. The gas that it gives off makes the loaf rise before it is baked.",
    ),
    (
        "When must an invoice be paid?",
        "Invoices are due within thirty days of their date. After that, interest is charged on the amount still open.",
    ),
    (
        "What causes the tides of the sea?",
        "The gravity of the Moon, and less of the Sun, pulls at the oceans: the water rises and falls twice a day.",
    ),
    (
        "How do I reset my password?",
        "Open the sign-in page, choose 'Forgotten password', and follow the link that is sent to your address.",
    ),
    (
        "Who painted the ceiling of the Sistine Chapel?",
        "Michelangelo painted the frescoes on the chapel's ceiling in Rome between 1508 and 1512.",
    ),
    (
        "Which treatment lowers high blood pressure?",
        "Patients with hypertension received ACE inhibitors or diuretics; both lowered the pressure by 10 mmHg.",
    ),
    (
        "How many days of leave do employees have?",
        "Staff are entitled to twenty-five days of paid holiday a year, of which five may be taken in the next year.",
    ),
    (
        "What does a heat pump need in winter?",
        "In frost, the outdoor unit has to be defrosted now and then, and an electric element helps to heat the house.",
    ),
    (
        "Why did the bridge collapse?",
        "The wind set the deck swinging in resonance until the hangers tore and the road fell into the strait.",
    ),
    (
        "How are passengers compensated for a delayed flight?",
        "If a plane lands more than three hours late, the airline owes each traveller up to 600 euros.",
    ),
    (
        "What do honey bees dance for?",
        "By waggling in a figure of eight, a forager tells the others of the hive where it has found nectar.",
    ),
    (
        "Which voltage does the sensor need?",
        "Connect the module to a supply of 5 V; a signal of more than 3.3 V on the data line damages it.",
    ),
)


class Cosines(NamedTuple):
    """The mean cosines of questions with passages that have nothing to do with them, and with their answers."""

    unrelated: float = 0.0
    related: float = 0.5

    def likeness(self, cosine: float) -> float:
        """About 0 for what is unrelated and 1 for an answer, whatever the model."""
        return (cosine - self.unrelated) / max(self.related - self.unrelated, MIN_SPREAD)


# Of the built-in models, so that they need not be measured in every process.
_KNOWN = {MiniLMConfig.name: Cosines(0.029, 0.548), E5Config.name: Cosines(0.756, 0.853)}


def cosines_of(embedder: Embedder) -> Cosines:
    """Raises EmbeddingError if an endpoint must be asked and fails."""
    known = (cosines for name, cosines in _KNOWN.items() if embedder.model.startswith(name))
    return next(known, None) or measured_cosines(embedder)


@Singleton
def measured_cosines(embedder: Embedder) -> Cosines:
    no_tenant = UUID(int=0)
    questions, passages = zip(*PAIRS, strict=True)
    cosines = (
        embedder.embed(no_tenant, questions, TextRole.QUESTION)
        @ embedder.embed(no_tenant, passages, TextRole.PASSAGE).T
    )
    are_pairs = np.eye(len(PAIRS), dtype=bool)
    return Cosines(float(cosines[~are_pairs].mean()), float(cosines[are_pairs].mean()))
