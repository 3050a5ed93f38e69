"""Usage figures of conversations. Deleted ones are not counted any more, unlike in quotas."""

from __future__ import annotations

from django.db.models import Count, Q

from conversations.models import Conversation, Feedback, Message, MessageRole, MessageState, Rating
from core.usage import Figure, FigureSet, Period


def figures(period: Period) -> list[FigureSet]:
    in_period = Q(created_at__range=period.moments)
    answers = Message.objects.filter(role=MessageRole.ASSISTANT)
    by_state = [
        Figure(f"messages.{state}", Count("pk", filter=in_period & Q(state=state)))
        for state in MessageState.values
    ]
    refused = Figure("messages.refused", Count("pk", filter=in_period & Q(is_refusal=True)))
    ratings = [
        Figure(f"ratings.{rating}", Count("pk", filter=in_period & Q(rating=rating)))
        for rating in Rating.values
    ]
    return [
        FigureSet(
            rows=Conversation.objects.all(),
            figures=(Figure("conversations", Count("pk")),),
            workspace="workspace",
        ),
        FigureSet(rows=answers, figures=(*by_state, refused), workspace="conversation__workspace"),
        FigureSet(
            rows=Feedback.objects.all(),
            figures=tuple(ratings),
            workspace="message__conversation__workspace",
        ),
    ]
