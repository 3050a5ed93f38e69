"""Search over passages, and how good it is."""
