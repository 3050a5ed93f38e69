"""A command for tenants, and what commands print."""

from io import StringIO

from django.core.management import call_command

from core.commands import TenantCommand
from core.errors import ConflictError


def output(command, *arguments, **options):
    stdout = StringIO()
    call_command(command, *arguments, stdout=stdout, **options)
    return stdout.getvalue()


class ShowTenant(TenantCommand):
    offers_all_tenants = True
    broken = ""

    def run_for(self, actor, *args, **options):
        if str(actor.tenant_id) == self.broken:
            raise ConflictError("out of order")
        return {"tenant": actor.tenant_id, "credential": actor.credential}

    def describe(self, result):
        return f"in {result['tenant']}"

    def problem(self, result):
        return "bad" if self.broken == "result" else ""
