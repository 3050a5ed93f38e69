"""LangChain's and LlamaIndex's classes for OpenAI-compatible servers, with an assistant as their model."""

import os

from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from llama_index.core.llms import ChatMessage
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai_like import OpenAILike

QUESTION = "How do honey bees tell where flowers are?"
URL, KEY, MODEL = f"{os.environ['OYL_URL']}/v1", os.environ["OYL_KEY"], os.environ["EMBEDDER"]

chat = ChatOpenAI(base_url=URL, api_key=KEY, model="Guide")
whole = chat.invoke(QUESTION).content
assert "dance" in whole, whole
assert "".join(piece.content for piece in chat.stream(QUESTION)) == whole

like = OpenAILike(api_base=URL, api_key=KEY, model="Guide", is_chat_model=True)
messages = [ChatMessage(role="user", content=QUESTION)]
assert like.chat(messages).message.content == whole
assert "".join(piece.delta or "" for piece in like.stream_chat(messages)) == whole

embeddings = OpenAIEmbeddings(base_url=URL, api_key=KEY, model=MODEL, check_embedding_ctx_length=False)
embedder = OpenAIEmbedding(api_base=URL, api_key=KEY, model_name=MODEL)
(one,), other = embeddings.embed_documents(["bees"]), embedder.get_text_embedding("bees")
assert len(one) == len(other) and max(abs(a - b) for a, b in zip(one, other, strict=True)) < 1e-6
