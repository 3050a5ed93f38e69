"""Ports to what OYL works with, free of the ORM: each a Protocol with its values and its error, and adapters."""
