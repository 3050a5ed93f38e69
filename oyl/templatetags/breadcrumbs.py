"""The beginning and the end of breadcrumbs: the section of the sidebar, and what is added."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest

from oyl.sidebar import section_of

register = template.Library()


@register.simple_tag(takes_context=True)
def sidebar_section(context: template.Context) -> str:
    """Of the model whose page is shown, or nothing on other pages."""
    opts = _opts(context)
    return section_of(opts) if opts else ""


@register.simple_tag(takes_context=True)
def added_model(context: template.Context) -> str:
    """The name of the model of which the page adds an object, or nothing on other pages."""
    opts, request = _opts(context), context["request"]
    return opts.verbose_name if opts and request.resolver_match.url_name.endswith("_add") else ""


def _opts(context: template.Context) -> Any:
    request: HttpRequest = context["request"]
    page = request.resolver_match and getattr(request.resolver_match.func, "model_admin", None)
    return page.opts if page else None
