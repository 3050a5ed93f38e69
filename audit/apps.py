from core.apps import APPEND_ONLY, Area, Lookup, OylAppConfig, Schedule, SidebarPage


class AuditConfig(OylAppConfig):
    name = "audit"
    areas = (Area("audit", writable=False),)
    privileges = {"audit_logs": APPEND_ONLY, "audit_seals": APPEND_ONLY, "platform_events": APPEND_ONLY}
    platform_tables = ("platform_events",)
    shared_tables = {"platform_events": "what belongs to no tenant; operators alone read it"}
    lookups = (
        Lookup(
            "oyl_tenants_with_unsealed_events(timestamp with time zone)",
            ("tenants", "audit_logs", "audit_seals"),
        ),
    )
    schedules = (
        Schedule(name="seal-audit", task="audit.tasks.seal_all", every=5.0, expires=5.0),
        Schedule(
            name="seal-audit-completely",
            task="audit.tasks.seal_all",
            every=3600.0,
            expires=600.0,
            arguments={"complete": True},
        ),
    )
    sidebar = (
        SidebarPage(section="System", icon="history", model="audit.auditlog"),
        SidebarPage(section="System", icon="policy", model="audit.platformevent"),
    )
    routes = "audit.api.ROUTES"
    home = "audit.home.home"
