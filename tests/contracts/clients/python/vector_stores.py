"""What OpenAI's own Python client finds at `/v1/`, in any version. It stops at the first thing that is not so."""

import hashlib
import os

import openai

BEES = b"# Bees\n\nHoney bees dance to tell their sisters where the flowers are.\n"
QUESTION = "How do honey bees tell where flowers are?"

client = openai.OpenAI(base_url=f"{os.environ['OYL_URL']}/v1", api_key=os.environ["OYL_KEY"], max_retries=0)
stores = client.vector_stores

file = client.files.create(file=("bees.md", BEES), purpose="assistants")
assert client.files.content(file.id).read() == BEES
upload = client.uploads.create(
    filename="bees.md", bytes=len(BEES), mime_type="text/markdown", purpose="assistants"
)
parts = [client.uploads.parts.create(upload.id, data=piece) for piece in (BEES[20:], BEES[:20])]
md5 = hashlib.md5(BEES, usedforsecurity=False).hexdigest()
completed = client.uploads.complete(upload.id, part_ids=[parts[1].id, parts[0].id], md5=md5)
assert (
    completed.status == "completed"
    and completed.file
    and client.files.content(completed.file.id).read() == BEES
)
assert client.files.delete(completed.file.id).deleted
abandoned = client.uploads.create(filename="x.md", bytes=1, mime_type="text/markdown", purpose="assistants")
assert client.uploads.cancel(abandoned.id).status == "cancelled"
store = stores.create(name="Nature")
attributes: dict[str, str | float | bool] = {"year": 2026, "is_new": True}
stores.files.create(
    store.id, file_id=file.id, attributes=attributes
)  # `create_and_poll` of 1.66 has no attributes
attached = stores.files.poll(file.id, vector_store_id=store.id, poll_interval_ms=50)
assert (attached.status, attached.attributes) == ("completed", attributes)
batch = stores.file_batches.upload_and_poll(
    store.id,
    files=[("bees.md", BEES), ("moss.md", b"Moss grows slowly.\n")],
    poll_interval_ms=50,
    chunking_strategy={"type": "auto"},
)
assert (batch.status, batch.file_counts.completed) == ("completed", 2)
assert len(list(stores.files.list(store.id, limit=2))) == 3
(hit,) = stores.search(
    store.id, query="where are the flowers", filters={"type": "gte", "key": "year", "value": 2025}
)
assert hit.filename == "bees.md" and "dance" in hit.content[0].text
assert stores.create(name="Nature").name == "Nature (2)"

completion = client.chat.completions.create(model="Guide", messages=[{"role": "user", "content": QUESTION}])
assert "dance" in (completion.choices[0].message.content or "")
stream = client.chat.completions.create(
    model="Guide", messages=[{"role": "user", "content": QUESTION}], stream=True
)
pieces = [choice.delta.content or "" for chunk in stream for choice in chunk.choices]
assert "".join(pieces) == completion.choices[0].message.content
assert "dance" in client.responses.create(model="Guide", input=QUESTION).output_text

try:
    client.files.create(file=("x.txt", b"x"), purpose="fine-tune")
except openai.BadRequestError as error:
    assert error.param == "purpose"
else:
    raise AssertionError("It is accepted.")
client.files.delete(file.id)
assert stores.delete(store.id).deleted
