"""`python -m engines.chat.model_file_process --file F --address A …`: a chat model in a file, with OpenAI's routes.

It listens on a free port of the loopback interface, and takes requests with a key only, which it makes at each start. When
it is ready, A has both. It keeps nothing that a signal could destroy.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
from pathlib import Path
from threading import Event

import xllamacpp

from core.outbound import AllowList, OutboundClient
from core.process_start import prepare_process
from engines.chat.model_file import LOCAL, RunningModel

ERRORS_ONLY = 1  # of its log, which would have prompts at higher levels


def main() -> None:
    prepare_process()
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--address", type=Path, required=True)
    parser.add_argument("--context", type=int, required=True, help="tokens of each request")
    parser.add_argument("--slots", type=int, required=True, help="requests at the same time")
    parser.add_argument("--threads", type=int, required=True, help="0: one less than there are processors")
    options = parser.parse_args()
    options.address.unlink(missing_ok=True)
    key = secrets.token_urlsafe(32)
    server = xllamacpp.Server(_parameters(options, key))
    context = _context_tokens(server.listening_address, key)
    RunningModel(url=server.listening_address, key=key, context_tokens=context).write(options.address)
    Event().wait()


def _parameters(options: argparse.Namespace, key: str) -> xllamacpp.CommonParams:
    """No page, no list of what others ask, no other origin in a browser, no downloads."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(options.file)
    parameters.model_alias = {LOCAL}
    parameters.api_keys = [key]
    parameters.n_ctx, parameters.n_parallel = options.context * options.slots, options.slots
    # Its threads wait for each other at each step: if one has to wait for a processor, all do.
    parameters.cpuparams.n_threads = options.threads or max(1, (os.cpu_count() or 1) - 1)
    parameters.cors_origins = ""
    parameters.ui = parameters.endpoint_slots = False
    parameters.offline = True
    parameters.cache_ram_mib = 0
    parameters.verbosity = ERRORS_ONLY
    return parameters


def _context_tokens(url: str, key: str) -> int:
    """Of each request: what was asked for, or what the model has learned to read if that is less."""
    client = OutboundClient(AllowList.parse([url.removeprefix("http://")]))
    answer = client.request("GET", f"{url}/v1/models", headers={"Authorization": f"Bearer {key}"})
    client.close()
    return int(json.loads(answer.body)["data"][0]["meta"]["n_ctx"])


if __name__ == "__main__":
    main()
