"""The admin pages of assistants and teammates. Importing it registers them."""

from assistants.admin import assistants  # noqa: F401
