from core.apps import Lookup, OylAppConfig, Schedule


class JobsConfig(OylAppConfig):
    name = "jobs"
    schedules = (Schedule(name="sweep-jobs", task="jobs.tasks.sweep_jobs", every=10.0, expires=10.0),)


def due_jobs_lookup(*job_tables: str) -> Lookup:
    """For the AppConfig of an app with tables of jobs: the sweeper searches these for due jobs."""
    return Lookup("oyl_tenants_with_due_jobs(text[])", job_tables)
