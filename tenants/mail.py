"""Mails of links to people."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail

logger = logging.getLogger(__name__)


def can_mail() -> bool:
    return bool(settings.EMAIL_HOST)


def mail(subject: str, text: str, address: str) -> bool:
    """Whether it was handed to the mail server. To be called outside of transactions."""
    try:
        send_mail(subject, text, None, [address])
    except (OSError, SMTPException) as error:
        logger.warning("a mail could not be sent (%s): %s", subject, type(error).__name__)
        return False
    return True
