"""Any `/rerank` as TEI has it, or as Jina and Cohere have it, and those who follow them: vLLM, Infinity, llama.cpp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.errors import ConfigurationError
from engines.model_endpoint import ModelEndpoint
from engines.reranking import RerankEndpointConfig, RerankingError, probability

# Sent in place of an empty text, which many endpoints refuse.
PLACEHOLDER = "."
# A search waits so long, and then does without.
MAX_SECONDS = 10


class RerankEndpoint:
    """TEI serves one model and expects `texts`; the others choose one of several by its name, and expect `documents`. Some
    servers, such as llama.cpp, answer with logits."""

    def __init__(self, config: RerankEndpointConfig) -> None:
        if not config.url.startswith(("http://", "https://")):
            raise ConfigurationError("RERANK_URL must begin with http:// or https://.")
        self.model, self.languages = config.model or "TEI", config.languages
        self._form = {"model": config.model} if config.model else {"truncate": True}
        self._passages = "documents" if config.model else "texts"
        url = f"{config.url.rstrip('/').removesuffix('/rerank')}/rerank"
        self._endpoint = ModelEndpoint(
            url,
            config.api_key,
            seconds=MAX_SECONDS,
            error=RerankingError,
            unavailable="reranking_unavailable",
            refused="reranking_refused",
        )

    def score(self, tenant_id: UUID, question: str, passages: Sequence[str]) -> list[float]:
        if not passages:
            return []
        texts = [text if text.strip() else PLACEHOLDER for text in (question, *passages)]
        answer = self._endpoint.post({**self._form, "query": texts[0], self._passages: texts[1:]})
        try:
            scores = dict(map(_item, answer["results"] if isinstance(answer, dict) else answer))
            ordered = [scores[index] for index in range(len(passages))]
        except (KeyError, TypeError, ValueError) as error:
            detail = (
                "RERANK_URL does not answer as a /rerank of TEI, Jina or Cohere with a score of each passage."
            )
            raise self._endpoint.refused(detail) from error
        return ordered if all(0 <= score <= 1 for score in ordered) else list(map(probability, ordered))


def _item(item: dict[str, Any]) -> tuple[int, float]:
    score = float(item["relevance_score"] if "relevance_score" in item else item["score"])
    if not math.isfinite(score):
        raise ValueError(f"{score} is no score.")
    return int(item["index"]), score
