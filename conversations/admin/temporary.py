"""Showing an answer that is not kept: the page's script sends what the event `finished` had, because nobody else has it."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST
from rest_framework import serializers

from conversations.admin.shown_answers import shown_reply
from conversations.limits import ANSWER_LENGTH
from core.admin import actor_of


class _Text(serializers.CharField):
    def __init__(self) -> None:
        super().__init__(allow_blank=True, trim_whitespace=False, max_length=ANSWER_LENGTH)


class _Citation(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    document = serializers.UUIDField()
    chunk = serializers.UUIDField()
    filename = _Text()
    page = serializers.IntegerField(allow_null=True)
    heading = serializers.ListField(child=_Text())
    text = _Text()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    url = serializers.URLField(default="", allow_blank=True, max_length=4000)


class _DataSource(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = _Text()


class _Table(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    sql = _Text()
    data_sources = _DataSource(many=True)
    columns = serializers.ListField(child=_Text())
    rows = serializers.ListField(child=serializers.ListField(child=serializers.JSONField(allow_null=True)))
    row_count = serializers.IntegerField()
    is_cut = serializers.BooleanField()


class _Sentence(serializers.Serializer[Any]):
    start = serializers.IntegerField(min_value=0)
    end = serializers.IntegerField(min_value=0)
    support = _Text()
    reason = _Text()


class _Usage(serializers.Serializer[Any]):
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class _Reply(serializers.Serializer[Any]):
    """What the page shows of a reply."""

    answer = _Text()
    citations = _Citation(many=True)
    tables = _Table(many=True, default=list)
    sentences = _Sentence(many=True)
    is_refusal = serializers.BooleanField()
    is_stopped = serializers.BooleanField()
    model = _Text()
    assistant = _Text()
    why = _Text()
    usage = _Usage()
    price = serializers.DecimalField(max_digits=14, decimal_places=6, allow_null=True)
    currency = _Text()
    seconds = serializers.FloatField()
    warnings = serializers.ListField(child=_Text())


@require_POST
def temporary_answer(request: HttpRequest) -> HttpResponse:
    actor_of(request)
    try:
        reply = _Reply(data=json.loads(request.body))
    except ValueError:
        return HttpResponse("The body is no JSON.", status=400)
    if not reply.is_valid():
        return HttpResponse("The body is no answer.", status=400)
    facts = {**reply.validated_data, "state": "stopped" if reply.validated_data["is_stopped"] else "done"}
    answer = shown_reply(facts, anchor=f"source-{uuid4()}")
    return TemplateResponse(request, "admin/conversations/answer.html", {"answer": answer})
