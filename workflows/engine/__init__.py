"""The engine: a run is a job, and each of its steps a row. A worker claims a run, runs its steps one after another, stores
each result before the next step begins, and lets go of the run when it waits, fails or ends."""
