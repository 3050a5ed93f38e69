"""Error reports name variables and settings, but hide their values."""

from __future__ import annotations

import sys

import pytest
from django.test import RequestFactory, override_settings
from django.views.debug import ExceptionReporter

SECRET = "canary-5d1c77"


@pytest.mark.parametrize("debug", [False, True])
@override_settings(REDIS_URL=f"redis://:{SECRET}@localhost/0", SOME_API_KEY=SECRET)
def test_error_report_hides_values(debug: bool):
    request = RequestFactory().post("/", {"password": SECRET})
    held = SECRET  # noqa: F841 (a variable that the report names)
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        reporter = ExceptionReporter(request, *sys.exc_info())
    with override_settings(DEBUG=debug):
        reports = [reporter.get_traceback_html(), reporter.get_traceback_text()]
    assert all("ZeroDivisionError" in report and "REDIS_URL" in report for report in reports)
    assert "held" in reports[0] and all("password" in report for report in reports)
    assert not any(SECRET in report for report in reports)
