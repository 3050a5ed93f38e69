"""Questions that may follow an answer. To be called inside a scope."""

from __future__ import annotations

from django.db.models import F

from conversations.models import Message, MessageState
from knowledge.models import Chunk

SUGGESTIONS = 3
# So many chunks of the document are looked at, after the cited one and then from the beginning.
CHUNKS = 60


def suggestions_after(message: Message) -> list[str]:
    """The headings that follow what the answer has cited first, in its document."""
    if message.state != MessageState.DONE or message.is_refusal or not message.citations_json:
        return []
    first = message.citations_json[0]
    chunks = Chunk.objects.filter(document=first["document"], generation=F("document__generation"))
    places = chunks.order_by("position").values_list("heading_path", flat=True)
    headings = [*places.filter(start__gte=first["end"])[:CHUNKS], *places[:CHUNKS]]
    cited = {title for one in message.citations_json for title in one["heading"]}
    titles = dict.fromkeys(path[-1] for path in headings if path)
    return [title for title in titles if title not in cited][:SUGGESTIONS]
