"""The code flow of OpenID Connect, by `allauth.socialaccount`: the state in the session, PKCE, and the exchange of the code.
OYL itself checks the ID token, and never accepts one without a signature. All requests go through the guarded client."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jwt
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import get_random_string
from requests import RequestException  # noqa: TID251 (of sessions that use the guarded client)

from core.errors import InvalidError
from core.oidc_provider import OidcProvider
from core.outbound import AllowList, OutboundClient, OutboundError, requests_session

SECONDS, MOST_BYTES, LEEWAY_SECONDS = 10.0, 1 << 20, 60
# Signatures with a public key; those with the client's secret, and none, are not among them.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
REQUIRED = ["iss", "aud", "exp", "iat", "sub"]
# What goes wrong with answers of the provider.
BAD_ANSWER = (
    *(OAuth2Error, OutboundError, RequestException, jwt.PyJWTError),
    *(AttributeError, LookupError, TypeError, ValueError),
)


class OidcError(InvalidError):
    """The sign-in was not accepted."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider says of a person. `signed_in_at` is when they have really signed in there, or 0."""

    subject: str
    email: str
    is_verified: bool
    name: str
    signed_in_at: int


@dataclass(frozen=True, slots=True)
class Finished:
    claims: Claims
    address: str
    is_again: bool


class GuardedAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def get_requests_session(self) -> Any:
        """The issuer's host may be an internal one: the operator chose it. It is not opened to tenants thereby."""
        client = OutboundClient(
            AllowList.parse([configured().host]), timeout_seconds=SECONDS, max_bytes=MOST_BYTES
        )
        return requests_session(client)


class _Endpoints(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    def get_provider(self) -> Any:
        return _provider(self.request)

    @property
    def openid_config(self) -> dict[str, Any]:
        """Raises OidcError unless it is the document of the configured issuer."""
        found: dict[str, Any] = super().openid_config
        if found["issuer"] != configured().issuer:
            raise OidcError("The provider calls itself otherwise than OIDC_ISSUER does. Tell an operator.")
        return found

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        return request.build_absolute_uri(reverse("oidc_callback"))


class _Provider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = _Endpoints


def configured() -> OidcProvider:
    """Raises OidcError."""
    if settings.OIDC is None:
        raise OidcError("There is no such sign-in here.")
    found: OidcProvider = settings.OIDC
    return found


def _provider(request: HttpRequest) -> Any:
    one = configured()
    app = SocialApp(
        provider=OpenIDConnectProvider.id,
        provider_id="oidc",
        name=one.label,
        client_id=one.client_id,
        secret=one.client_secret,
        settings={"server_url": one.issuer.rstrip("/"), "oauth_pkce_enabled": True},
    )
    return _Provider(request, app=app)


def begin(request: HttpRequest, *, address: str, again: bool) -> HttpResponse:
    """The way to the provider. It asks for the password there if that is to be entered `again`. Raises OidcError."""
    nonce = get_random_string(32)
    asked = {"nonce": nonce, **({"prompt": "login", "max_age": "0"} if again else {})}
    data = {"nonce": nonce, "again": again}
    try:
        found: HttpResponse = _provider(request).redirect(
            request, process="login", next_url=address, data=data, auth_params=asked
        )
    except BAD_ANSWER as error:
        raise OidcError(f"{configured().label} cannot be reached now. Try again later.") from error
    return found


def finish(request: HttpRequest) -> Finished:
    """The way back. Raises OidcError unless this browser began it, and the provider answers with a valid ID token."""
    state = statekit.unstash_state(
        request, provider_id=_provider(request).sub_id, state_id=request.GET.get("state", "")
    )
    if state is None:
        raise OidcError("This sign-in was begun in another browser, or too long ago. Begin again.")
    if request.GET.get("iss", configured().issuer) != configured().issuer or "code" not in request.GET:
        raise OidcError(f"{configured().label} did not sign you in.")
    try:
        claims = _claims(request, state)
    except OidcError:
        raise
    except BAD_ANSWER as error:
        raise OidcError(f"The answer of {configured().label} was not accepted. Try again.") from error
    return Finished(claims, state.get("next") or "", bool(state["data"]["again"]))


def _claims(request: HttpRequest, state: dict[str, Any]) -> Claims:
    """Raises BAD_ANSWER."""
    endpoints = _Endpoints(request, "oidc")
    client = endpoints.get_client(request, endpoints.get_provider().app)
    tokens = client.get_access_token(request.GET["code"], pkce_code_verifier=state["pkce_code_verifier"])
    found = _verified(endpoints, tokens["id_token"])
    if found.get("nonce") != state["data"]["nonce"]:
        raise OidcError("This answer belongs to another sign-in. Begin again.")
    if "email" not in found:
        more = endpoints._fetch_user_info(tokens["access_token"])
        if more["sub"] != found["sub"]:
            raise OidcError("The provider's answers are of two people. Begin again.")
        found = {**more, **found}
    address = str(found.get("email", "")).strip()
    return Claims(
        subject=str(found["sub"]),
        email=address.lower(),
        # Other letters may become those of another address: the sign of Kelvin is a "k" in lower case.
        is_verified=found.get("email_verified") is True and address.rpartition("@")[0].isascii(),
        name=str(found.get("name", "")),
        signed_in_at=min(int(found.get("auth_time", 0)), int(time.time())),  # clocks differ
    )


def _verified(endpoints: _Endpoints, token: str) -> dict[str, Any]:
    """The claims of an ID token for this client, signed by one of the issuer's keys. Raises BAD_ANSWER."""
    with GuardedAdapter().get_requests_session() as session:
        answer = session.get(endpoints.openid_config["jwks_uri"])
    answer.raise_for_status()
    key = jwt.PyJWKSet.from_dict(answer.json())[jwt.get_unverified_header(token)["kid"]]
    found: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=ALGORITHMS,
        audience=configured().client_id,
        issuer=configured().issuer,
        leeway=LEEWAY_SECONDS,
        options={"require": REQUIRED},
    )
    parties = [found["aud"]] if isinstance(found["aud"], str) else found["aud"]
    if found.get("azp", parties[0] if len(parties) == 1 else None) != configured().client_id:
        raise OidcError("The provider's answer is for another client.")
    return found
