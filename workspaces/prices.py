"""What the answers of chat models cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from engines.chat import TokenUsage
from workspaces.models import ModelPrice

MILLION = 1_000_000
SMALLEST = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    amount: Decimal
    currency: str


def price_of(model: str, usage: TokenUsage, at: datetime) -> Price | None:
    """By the model's price on that day, which is aware; None if it has none. Needs the tenant's scope."""
    day = at.astimezone(UTC).date()
    price = ModelPrice.objects.filter(model=model, valid_from__lte=day).order_by("-valid_from").first()
    if price is None:
        return None
    tokens = usage.prompt_tokens * price.prompt_price + usage.completion_tokens * price.completion_price
    return Price(amount=(tokens / MILLION).quantize(SMALLEST), currency=price.currency)
