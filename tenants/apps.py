from core.apps import CLOSED, READ_ONLY, Area, Lookup, OylAppConfig, Privileges, Schedule, SidebarPage

# The columns of a user that the application may change; of an operator the trigger `operators` permits only
# `last_login` and `sessions_ended_at`.
CHANGEABLE = ("email", "name", "is_active", "last_login", "email_verified_at", "sessions_ended_at")


class TenantsConfig(OylAppConfig):
    name = "tenants"
    areas = (Area("organisation"), Area("members"))
    shared_tables = {
        "account_emailaddress": "of allauth, and empty: OYL keeps addresses in users",
        "account_emailconfirmation": "of allauth, and empty: OYL confirms addresses by invitations",
        "mfa_authenticator": "second factors of users, encrypted",
        "password_hashes": "of users; no role of OYL's processes can read them",
        "socialaccount_socialaccount": "accounts of the sign-in's provider that belong to users, by digests",
        "socialaccount_socialapp": "of allauth, and empty: settings name the provider",
        "socialaccount_socialtoken": "of allauth, and empty: OYL keeps no tokens of the provider",
        "users": "a person may belong to several tenants",
        "users_groups": "Django's permissions; OYL decides by roles in a tenant",
        "users_user_permissions": "Django's permissions; OYL decides by roles in a tenant",
    }
    privileges = {
        "account_emailaddress": CLOSED,
        "account_emailconfirmation": CLOSED,
        "password_hashes": CLOSED,
        "socialaccount_socialaccount": Privileges(update=()),
        "socialaccount_socialapp": CLOSED,
        "socialaccount_socialtoken": CLOSED,
        "users": Privileges(update=CHANGEABLE, delete=False),
        "users_groups": READ_ONLY,
        "users_user_permissions": READ_ONLY,
    }
    guards = ("users.operators",)
    lookups = (
        Lookup("oyl_password_parameters(uuid)"),
        Lookup("oyl_password_matches(uuid,text)"),
        Lookup("oyl_set_password(uuid,text,text)"),
        Lookup("oyl_memberships(uuid)", ("tenants", "memberships")),
        Lookup("oyl_every_tenant_of(uuid)", ("memberships",)),
        Lookup("oyl_api_key(text)", ("tenants", "memberships", "api_keys")),
        Lookup("oyl_invitation(text)", ("tenants", "memberships", "api_keys", "invitations")),
    )
    sidebar = (
        SidebarPage(section="Organisation", icon="badge", model="tenants.membership"),
        SidebarPage(section="Organisation", icon="mail", model="tenants.invitation"),
        SidebarPage(section="Organisation", icon="key", model="tenants.apikey"),
        SidebarPage(section="Organisation", icon="domain", model="tenants.tenant"),
        SidebarPage(
            section="System",
            title="Enter an organisation",
            icon="login",
            view="enter_tenant",
            for_operators=True,
        ),
        SidebarPage(section="Organisation", icon="speed", model="core.quotalimit"),
        SidebarPage(section="System", icon="manage_accounts", model="tenants.user"),
    )
    schedules = (
        Schedule(
            name="end-expired-visits", task="tenants.tasks.end_expired_visits", every=60.0, expires=60.0
        ),
    )
    routes = "tenants.api.ROUTES"
    usage = "tenants.usage.figures"
    on_deletion = "tenants.services.api_keys.revoke_keys_bound_to"
    home = "tenants.home.home"
