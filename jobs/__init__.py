"""Leased work for every app: rows of PostgreSQL that are claimed, kept by a heartbeat, fenced and retried."""
