"""Mail of all kinds, and calendars in it."""
