from core.apps import Lookup, OylAppConfig, Schedule


class JobsConfig(OylAppConfig):
    name = "jobs"
    schedules = (Schedule(name="sweep-jobs", task="jobs.tasks.sweep_jobs", every=10.0, expires=10.0),)


def due_jobs_lookups(*job_tables: str) -> tuple[Lookup, ...]:
    """For the AppConfig of an app with tables of jobs: the sweeper and operators search these for due jobs."""
    return (
        Lookup("oyl_tenants_with_due_jobs(text[])", job_tables),
        Lookup("oyl_due_jobs(text[],integer)", job_tables),
    )
