"""A small OpenID Connect provider behind a real socket: discovery, authorization with PKCE, tokens, keys and userinfo."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "oyl", "the client's secret"


class Provider(ThreadingHTTPServer):
    """`claims` are those of the person who is signed in there. A test may change what else it says and does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: dict[str, Any] = {}
        self.token: dict[str, Any] = {}  # beside the claims
        self.userinfo: dict[str, Any] = {}
        self.discovered: dict[str, Any] = {}
        self.signing: dict[str, Any] = {"key": self.key, "algorithm": "RS256"}
        self.codes: dict[str, dict[str, str]] = {}

    def authorized(self, asked: dict[str, str]) -> str:
        """The address to which the provider sends the browser back."""
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT and "openid" in asked["scope"].split()
        self.codes[code := uuid4().hex] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "auth_time": now}
        claims = {**said, "nonce": asked["nonce"], "jti": uuid4().hex, **self.claims, **self.token}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, **self.signing, headers={"kid": "1"})


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url, server = urlsplit(self.path), self.server
        if url.path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            found = {name: f"{server.issuer}/{place}" for name, place in places.items()}
            found |= {"issuer": server.issuer, "userinfo_endpoint": f"{server.issuer}/userinfo"}
            self._answer({**found, **server.discovered})
        elif url.path == "/keys":
            key = jwt.algorithms.RSAAlgorithm.to_jwk(server.key.public_key(), as_dict=True)
            self._answer({"keys": [{**key, "kid": "1", "alg": "RS256", "use": "sig"}]})
        elif url.path == "/userinfo":
            assert self.headers["Authorization"] == "Bearer access"
            self._answer(server.userinfo)
        else:
            self.send_response(302)
            self.send_header("Location", server.authorized(dict(parse_qsl(url.query))))
            self.end_headers()

    def do_POST(self) -> None:
        """The token endpoint. A code works once, with its verifier and the client's secret."""
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        asked = self.server.codes.pop(sent["code"][0], None)
        digest = hashlib.sha256(sent["code_verifier"][0].encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or not self._is_client(sent):
            self._answer({"error": "invalid_grant"}, 400)
        else:
            token = self.server.id_token(asked)
            self._answer({"access_token": "access", "token_type": "Bearer", "id_token": token})

    def _is_client(self, sent: dict[str, list[str]]) -> bool:
        if basic := self.headers["Authorization"]:
            return b64decode(basic.partition(" ")[2]).decode() == f"{CLIENT}:{SECRET}"
        return sent["client_secret"] == [SECRET]

    def _answer(self, value: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def running_provider() -> Iterator[Provider]:
    with Provider() as provider:
        thread = Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield provider
        provider.shutdown()
        thread.join()
