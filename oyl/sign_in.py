"""The forms of the sign-in page and of the page on which people change their own password."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from core.actors import ActorKind, PlatformActor
from core.errors import OylError
from core.requests import TenantRequest
from core.sessions import PASSWORD_ENTERED
from oyl.pending_sign_in import begin
from tenants.access import tenants_of_user
from tenants.models import User
from tenants.oidc import configured
from tenants.passwords import PasswordsBusyError
from tenants.second_factors import has_second_factor
from tenants.services.sign_ins import change_password
from tenants.services.users import make_link_token, password_link
from tenants.sign_in import SignInWaitError

NO_TENANT = (
    "Your account does not belong to an organisation yet. Ask an administrator of yours to invite you, with "
    "this e-mail address."
)
CHOOSE = "Others may know the password that was made for you. Choose one of your own, and sign in with it."
OPERATOR_CHOOSES = (
    "This password was made for you. Choose another by `manage.py create_operator --new-password`."
)


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """Sign-in by e-mail, for operators, and for users who belong to a tenant. `wait` is set if the attempt was refused
    without a look at the password, `link` if the person has to choose a password first."""

    error_messages = {
        "invalid_login": "This e-mail address and password do not match an active account. "
        "Mind upper and lower case in the password.",
        "inactive": "This account is switched off. Ask an administrator of your organisation.",
    }
    wait, link = 0, ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail"
        self.fields["username"].widget.input_type = "email"

    def clean(self) -> Any:
        try:
            return super().clean()
        except (SignInWaitError, PasswordsBusyError) as error:
            self.wait = error.wait
            raise ValidationError(str(error), code="wait") from error

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        super().confirm_login_allowed(user)
        if not (settings.OYL_PASSWORD_SIGN_IN or cast(User, user).is_superuser):
            raise ValidationError(
                f"Sign in by {configured().label}, without a password.", code="no_passwords"
            )
        if cast(User, user).password_changed_at is None:
            self._refuse_given_password(cast(User, user))
        self._ask_for_second_factor(cast(User, user))
        if not (cast(User, user).is_superuser or tenants_of_user(user.pk)):
            raise ValidationError(NO_TENANT, code="no_tenant")

    def _ask_for_second_factor(self, user: User) -> None:
        """Raises ValidationError."""
        if has_second_factor(user.pk):
            self.link = begin(self.request, user)
            raise ValidationError("Enter the code of your authenticator app.", code="second_factor")

    def _refuse_given_password(self, user: User) -> None:
        """Earlier releases made passwords, and showed them to whoever made the account. Raises ValidationError."""
        if user.is_superuser:
            raise ValidationError(OPERATOR_CHOOSES, code="given_password")
        messages.warning(self.request, CHOOSE)
        self.link = password_link(user, make_link_token(user))
        raise ValidationError(CHOOSE, code="given_password")


def with_outcome(response: HttpResponse) -> HttpResponse:
    """A page that takes a password, as a 429 if the attempt was refused for a time, or as the way to another password."""
    form = (getattr(response, "context_data", None) or {}).get("form")
    if link := getattr(form, "link", ""):
        return HttpResponseRedirect(urlsplit(link).path)
    if wait := getattr(form, "wait", 0):
        response.status_code = 429
        response["Retry-After"] = str(wait)
    return response


class ErrorsInForm:
    """Part of a view with a form: the page shows why the service has refused what was entered."""

    def form_valid(self, form: Any) -> HttpResponse:
        view: Any = super()
        try:
            return cast(HttpResponse, view.form_valid(form))
        except OylError as error:
            form.add_error(None, str(error))
            form.wait = getattr(error, "wait", 0)
            return with_outcome(view.form_invalid(form))


class PresentPassword:
    """Part of a form that asks signed-in people for their present password."""

    request: HttpRequest
    wait = 0

    def check_present(self, password: str) -> str:
        """Guesses are counted as those on the sign-in page. Raises ValidationError."""
        email = cast(User, self.request.user).email
        try:
            if authenticate(self.request, username=email, password=password) is None:
                raise ValidationError("This is not your present password.", code="password_incorrect")
        except (SignInWaitError, PasswordsBusyError) as error:
            self.wait = error.wait
            raise ValidationError(str(error), code="wait") from error
        return password


class PasswordForm(PresentPassword, AdminOwnPasswordChangeForm):  # type: ignore[misc]
    ends_api_keys = forms.BooleanField(
        label="Also revoke my API keys",
        required=False,
        help_text="Other sessions end in any case. Choose this if somebody else may know the old password.",
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        return self.check_present(str(self.cleaned_data["old_password"]))

    def save(self, commit: bool = True) -> User:
        user: User = self.user
        change_password(
            actor=person(cast(TenantRequest, self.request)),
            user=user,
            present=self.cleaned_data["old_password"],
            new=self.cleaned_data["new_password1"],
            ends_api_keys=self.cleaned_data["ends_api_keys"],
        )
        return user


def person(request: TenantRequest) -> PlatformActor:
    """The signed-in person, with regard to their own account."""
    user = cast(User, request.user)
    kind = ActorKind.OPERATOR if user.is_superuser else ActorKind.USER
    return PlatformActor(
        kind=kind,
        credential="session",
        user_id=user.pk,
        request_id=request.id,
        password_entered_at=request.session.get(PASSWORD_ENTERED, 0),
    )
