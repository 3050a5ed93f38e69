"""An OpenAI-compatible server that does what a test tells it: also what no server should."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Behaviour = Callable[["ChatHandler"], None]


class ChatServer(ThreadingHTTPServer):
    """Each request takes the next behaviour of `script`; when it is empty, `otherwise`. `requests` are the bodies that it
    has received, `open` is the number of answers that are being sent, and `dropped` how many clients have gone before the
    end."""

    daemon_threads = True

    def __init__(self, *script: Behaviour, otherwise: Behaviour | None = None) -> None:
        super().__init__(("127.0.0.1", 0), ChatHandler)
        self.script, self.otherwise = deque(script), otherwise or says("Hello.")
        self.models = ["scripted", "other"]
        self.requests: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.open = self.dropped = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class ChatHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ChatServer
    body: Body

    def do_GET(self) -> None:
        data = [
            {"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in self.server.models
        ]
        self.send_whole(200, {"object": "list", "data": data})

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(self.body)
            self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
            behaviour = self.server.script.popleft() if self.server.script else self.server.otherwise
            self.server.open += 1
        try:
            behaviour(self)
        except OSError:
            self.server.dropped += 1
            self.close_connection = True
        finally:
            with self.server.lock:
                self.server.open -= 1

    def send_whole(self, status: int, content: Any, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **headers,
        }.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_raw(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.flush()

    def send_chunk(self, delta: Body, finish: str | None = None, **others: Any) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {"id": "chat-1", "object": "chat.completion.chunk", "created": 0, "model": self.body["model"]}
        self.send_event({**chunk, "choices": [choice], **others})

    def send_event(self, data: Any) -> None:
        self.send_raw(b"data: %s\n\n" % json.dumps(data).encode())

    def end_stream(self, usage: Body | None = None) -> None:
        if usage and self.body.get("stream_options", {}).get("include_usage"):
            self.send_event(
                {"id": "chat-1", "object": "chat.completion.chunk", "choices": [], "usage": usage}
            )
        self.send_raw(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def break_connection(self) -> None:
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Log nothing."""


def words(text: str) -> list[str]:
    """Pieces of a text, as a model would send them."""
    return [word + " " for word in text.split(" ")[:-1]] + text.split(" ")[-1:]


def says(
    text: str | Callable[[Body], str],
    *,
    pieces: Sequence[str] | None = None,
    first_after: float = 0.0,
    pause: float = 0.0,
    finish: str = "stop",
    usage: Body | None = None,
) -> Behaviour:
    """Answer with the text, or with what the function makes of the request's body."""

    def behave(handler: ChatHandler) -> None:
        said = text if isinstance(text, str) else text(handler.body)
        counted = usage or {
            "prompt_tokens": 12 * len(handler.body["messages"]),
            "completion_tokens": len(words(said)),
        }
        time.sleep(first_after)
        handler.begin_stream()
        handler.send_chunk({"role": "assistant", "content": ""})
        for piece in pieces or words(said):
            handler.send_chunk({"content": piece})
            time.sleep(pause)
        handler.send_chunk({}, finish)
        handler.end_stream(counted)

    return behave


def calls(*tool_calls: tuple[str, Any], pieces: int = 3) -> Behaviour:
    """Call tools: (name, arguments) each, the arguments as JSON, or as they are if they are a str. Their JSON comes in
    pieces."""

    def behave(handler: ChatHandler) -> None:
        handler.begin_stream()
        for index, (name, arguments) in enumerate(tool_calls):
            written = arguments if isinstance(arguments, str) else json.dumps(arguments)
            begin = {
                "index": index,
                "id": f"call_{index}",
                "type": "function",
                "function": {"name": name, "arguments": ""},
            }
            handler.send_chunk({"tool_calls": [begin]})
            step = max(1, -(-len(written) // pieces))
            for start in range(0, len(written), step):
                part = {"arguments": written[start : start + step]}
                handler.send_chunk({"tool_calls": [{"index": index, "function": part}]})
        handler.send_chunk({}, "tool_calls")
        handler.end_stream({"prompt_tokens": 30, "completion_tokens": 20})

    return behave


def fails(status: int, message: str = "It failed.", code: str | None = None, **headers: str) -> Behaviour:
    """Answer with an error in OpenAI's form."""
    error = {"error": {"message": message, "type": "error", "code": code, "param": None}}
    return lambda handler: handler.send_whole(status, error, **headers)


def answers(status: int, content: Any) -> Behaviour:
    """Answer with JSON, or with these bytes, and no stream."""
    return lambda handler: handler.send_whole(status, content)


def streams(*contents: bytes, cut: bool = False) -> Behaviour:
    """Send these bytes as a stream. With `cut`, the connection breaks after them."""

    def behave(handler: ChatHandler) -> None:
        handler.begin_stream()
        for content in contents:
            handler.send_raw(content)
        if cut:
            handler.break_connection()
        else:
            handler.wfile.write(b"0\r\n\r\n")

    return behave


def breaks_in_character(text: str = "Grüße") -> Behaviour:
    """The connection breaks after the first byte of the first character that has several."""
    event = (
        b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}, "finish_reason": null}]}\n\n'
        % text.encode()
    )
    end = next(index for index, byte in enumerate(event) if byte >= 0x80) + 1
    complete = b'data: {"choices": [{"index": 0, "delta": {"content": "So "}, "finish_reason": null}]}\n\n'
    return streams(complete, event[:end], cut=True)


def stays_silent(seconds: float, pieces: Iterable[str] = ()) -> Behaviour:
    """Send the pieces, and then nothing for so long, but signs of life that are no content."""

    def behave(handler: ChatHandler) -> None:
        handler.begin_stream()
        for piece in pieces:
            handler.send_chunk({"content": piece})
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            handler.send_raw(b": still there\n\n")
            time.sleep(0.05)

    return behave


def never_ends(piece: str = "again ", pause: float = 0.005) -> Behaviour:
    """Send the piece until the client goes."""

    def behave(handler: ChatHandler) -> None:
        handler.begin_stream()
        while True:
            handler.send_chunk({"content": piece})
            time.sleep(pause)

    return behave
