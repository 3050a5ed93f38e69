"""Connectors: each kind lists the entries of its source, names their versions, and fetches what has changed; one loop does
the rest."""
