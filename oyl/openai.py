"""The routes of `/v1/`, as OpenAI's clients ask for them: no slash at the end, and changes are POSTs."""

from django.urls import path, register_converter

from knowledge.openai.embeddings import EmbeddingViewSet, ModelViewSet
from knowledge.openai.files import FileViewSet
from knowledge.openai.ids import PublicId
from knowledge.openai.searching import StoreSearchViewSet
from knowledge.openai.store_files import FileBatchViewSet, StoreFileViewSet
from knowledge.openai.vector_stores import VectorStoreViewSet

register_converter(PublicId, "id")
STORE = "vector_stores/<id:store>"
LIST, DETAIL = {"get": "list", "post": "create"}, {"get": "retrieve", "post": "modify", "delete": "destroy"}

urlpatterns = [
    path("models", ModelViewSet.as_view({"get": "list"})),
    path("models/<path:name>", ModelViewSet.as_view({"get": "retrieve"})),
    path("embeddings", EmbeddingViewSet.as_view({"post": "create"})),
    path("files", FileViewSet.as_view(LIST, opens_own_scopes=True)),
    path("files/<id:pk>", FileViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path("files/<id:pk>/content", FileViewSet.as_view({"get": "content"}, opens_own_scopes=True)),
    path("vector_stores", VectorStoreViewSet.as_view(LIST, opens_own_scopes=True)),
    path("vector_stores/<id:pk>", VectorStoreViewSet.as_view(DETAIL)),
    path("vector_stores/<id:pk>/search", StoreSearchViewSet.as_view({"post": "create"})),
    path(f"{STORE}/files", StoreFileViewSet.as_view(LIST, opens_own_scopes=True)),
    path(f"{STORE}/files/<id:pk>", StoreFileViewSet.as_view(DETAIL)),
    path(f"{STORE}/files/<id:pk>/content", StoreFileViewSet.as_view({"get": "content"})),
    path(f"{STORE}/file_batches", FileBatchViewSet.as_view({"post": "create"}, opens_own_scopes=True)),
    path(f"{STORE}/file_batches/<id:pk>", FileBatchViewSet.as_view({"get": "retrieve"})),
    path(f"{STORE}/file_batches/<id:pk>/cancel", FileBatchViewSet.as_view({"post": "cancel"})),
    path(f"{STORE}/file_batches/<id:batch>/files", StoreFileViewSet.as_view({"get": "list"})),
]
