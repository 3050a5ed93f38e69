#!/usr/bin/env python
"""OYL's command line. The embedded services that a command needs run at least as long as the command."""

import os
import sys

# `up` and `services` rule the services themselves; the others need none.
WITHOUT_SERVICES = {"up", "services", "help", "version", "check", "makemigrations", "collectstatic"}
# These use no data: developers run them as the owner of the code.
WITHOUT_DATA = {"help", "version", "check", "makemigrations"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oyl.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import ManagementUtility, execute_from_command_line

    from oyl.embedded.errors import ServiceError

    try:
        if len(sys.argv) > 1 and sys.argv[1].lstrip("-") not in WITHOUT_DATA:
            from django.conf import settings

            from core.private_files import make_data_folder
            from oyl.user import leave_root

            leave_root()
            make_data_folder(settings.OYL_DATA_DIR)
        if sys.argv[1:2] in (["version"], ["--version"]):
            # Django's own command line would print Django's version.
            django.setup()
            ManagementUtility().fetch_command("version").run_from_argv(sys.argv)
        elif len(sys.argv) < 2 or sys.argv[1].lstrip("-") in WITHOUT_SERVICES or "--help" in sys.argv:
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
