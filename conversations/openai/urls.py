"""The routes below `/v1/` for assistants and teammates as models."""

from django.urls import path

from conversations.openai.chat import CompletionViewSet
from conversations.openai.models import ModelViewSet
from conversations.openai.responses import ResponseViewSet

urlpatterns = [
    path("models", ModelViewSet.as_view({"get": "list"})),
    path("models/<path:name>", ModelViewSet.as_view({"get": "retrieve"})),
    path("chat/completions", CompletionViewSet.as_view({"post": "create"})),
    path("responses", ResponseViewSet.as_view({"post": "create"})),
]
