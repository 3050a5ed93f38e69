#!/usr/bin/env python
"""OYL's command line. The embedded services that a command needs run at least as long as the command."""

import os
import sys

# `up` and `services` rule the services themselves; the others need none.
WITHOUT_SERVICES = {"up", "services", "help", "version", "check", "makemigrations", "collectstatic"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oyl.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from oyl.embedded.errors import ServiceError

    try:
        if len(sys.argv) < 2 or sys.argv[1].lstrip("-") in WITHOUT_SERVICES or "--help" in sys.argv:
            execute_from_command_line(sys.argv)
        else:
            from oyl.embedded.services import ensure_services, make_tables_if_new

            with ensure_services():
                if sys.argv[1] != "migrate":
                    make_tables_if_new()
                execute_from_command_line(sys.argv)
    except (ServiceError, ImproperlyConfigured) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
