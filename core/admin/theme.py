"""The classes of the theme that we derive from, with the types that it lacks."""

from __future__ import annotations

from collections.abc import Callable
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

__all__ = ["ModelAdmin", "ModelChoiceField", "ModelForm", "TabularInline", "action", "display"]
