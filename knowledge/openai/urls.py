"""The routes below `/v1/`, as OpenAI's clients request them: no slash at the end, and changes are POSTs."""

from django.urls import path

import core.api.openai.ids  # noqa: F401 (registers the converter `public_id`)
from knowledge.openai.embeddings import EmbeddingViewSet
from knowledge.openai.files import FileViewSet
from knowledge.openai.search import StoreSearchViewSet
from knowledge.openai.store_files import FileBatchViewSet, StoreFileViewSet
from knowledge.openai.uploads import PartViewSet, UploadViewSet
from knowledge.openai.vector_stores import VectorStoreViewSet

STORE = "vector_stores/<public_id:store>"
LIST, DETAIL = {"get": "list", "post": "create"}, {"get": "retrieve", "post": "modify", "delete": "destroy"}

urlpatterns = [
    path("embeddings", EmbeddingViewSet.as_view({"post": "create"})),
    path("files", FileViewSet.as_view(LIST, opens_own_scopes=True)),
    path("files/<public_id:pk>", FileViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path("files/<public_id:pk>/content", FileViewSet.as_view({"get": "content"}, opens_own_scopes=True)),
    path("uploads", UploadViewSet.as_view({"post": "create"})),
    path("uploads/<public_id:pk>", UploadViewSet.as_view({"get": "retrieve"})),
    path("uploads/<public_id:upload>/parts", PartViewSet.as_view(LIST, opens_own_scopes=True)),
    path(
        "uploads/<public_id:pk>/complete", UploadViewSet.as_view({"post": "complete"}, opens_own_scopes=True)
    ),
    path("uploads/<public_id:pk>/cancel", UploadViewSet.as_view({"post": "cancel"}, opens_own_scopes=True)),
    path("vector_stores", VectorStoreViewSet.as_view(LIST, opens_own_scopes=True)),
    path("vector_stores/<public_id:pk>", VectorStoreViewSet.as_view(DETAIL)),
    path("vector_stores/<public_id:pk>/search", StoreSearchViewSet.as_view({"post": "create"})),
    path(f"{STORE}/files", StoreFileViewSet.as_view(LIST, opens_own_scopes=True)),
    path(f"{STORE}/files/<public_id:pk>", StoreFileViewSet.as_view(DETAIL, opens_own_scopes=True)),
    path(f"{STORE}/files/<public_id:pk>/content", StoreFileViewSet.as_view({"get": "content"})),
    path(f"{STORE}/file_batches", FileBatchViewSet.as_view({"post": "create"}, opens_own_scopes=True)),
    path(f"{STORE}/file_batches/<public_id:pk>", FileBatchViewSet.as_view({"get": "retrieve"})),
    path(f"{STORE}/file_batches/<public_id:pk>/cancel", FileBatchViewSet.as_view({"post": "cancel"})),
    path(f"{STORE}/file_batches/<public_id:batch>/files", StoreFileViewSet.as_view({"get": "list"})),
]
