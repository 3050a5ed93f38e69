"""`python -m benchmarks.peers.fastapi_search PACKAGES TENANT`: a bare service on FastAPI over OYL's embedder and vector
store. It has no keys, limits, tenants, a database nor a log, and answers with ids and scores.

It runs in OYL's environment, because of the engines; FastAPI comes from the folder PACKAGES of the peers' environment.
"""

import os
import sys
from typing import Any
from uuid import UUID

import django
import uvicorn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oyl.settings")
django.setup(set_prefix=False)

from engines.embedding import TextRole  # noqa: E402 (the settings are loaded above)
from engines.embedding.cosines import cosines_of  # noqa: E402
from engines.vectors import Mode, Query  # noqa: E402
from knowledge.engine_config import default_embedder, vector_store  # noqa: E402
from knowledge.pipeline.ports import collection_name  # noqa: E402

sys.path.append(sys.argv[1])
from fastapi import Body, FastAPI  # noqa: E402

tenant_id, embedder, store = UUID(sys.argv[2]), default_embedder(), vector_store()
application = FastAPI()


@application.post("/api/v1/search/")
def search(query: str = Body(embed=True), limit: int = Body(10, embed=True)) -> Any:
    wanted = Query(
        mode=Mode.HYBRID,
        text=query,
        vector=lambda: embedder.embed(tenant_id, [query], TextRole.QUESTION)[0],
        limit=limit,
        cosines=cosines_of(embedder),
    )
    hits = store.search(tenant_id, collection_name(embedder.model), wanted)
    return {"results": [{"chunk_id": hit.point_id, "score": hit.score} for hit in hits]}


if __name__ == "__main__":
    uvicorn.run(
        application, host="127.0.0.1", port=int(os.environ["OYL_PORT"]), access_log=False, log_level="warning"
    )
