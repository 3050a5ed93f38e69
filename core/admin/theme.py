"""The classes of the theme that we derive from, with the types that it lacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from django import forms
    from django.contrib import admin

    F = TypeVar("F", bound=Callable[..., Any])
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
    ModelForm = forms.ModelForm[Any]
    ModelChoiceField = forms.ModelChoiceField[Any]

    def action(**options: Any) -> Callable[[F], F]: ...
    def display(**options: Any) -> Callable[[F], F]: ...
else:
    from django.forms import ModelChoiceField, ModelForm
    from unfold.admin import ModelAdmin, TabularInline
    from unfold.decorators import action, display


def once(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Compute what a page shows of an object once: the theme's templates ask for it several times."""

    @wraps(method)
    def wrapper(page: Any, obj: Any) -> Any:
        shown = vars(obj).setdefault("_shown", {})
        if method.__name__ not in shown:
            shown[method.__name__] = method(page, obj)
        return shown[method.__name__]

    return wrapper


__all__ = ["ModelAdmin", "ModelChoiceField", "ModelForm", "TabularInline", "action", "display", "once"]
