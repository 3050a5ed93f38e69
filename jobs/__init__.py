"""Leased work for every app: rows in PostgreSQL with a claim, a lease, a heartbeat, a fencing token and retries."""
