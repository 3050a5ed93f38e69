from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"

    def ready(self) -> None:
        from tenants.keyring import ciphers

        ciphers()  # a bad setting shows now, in every process, and not when the first secret is read
