"""Files: where originals are stored, and what is uploaded or read from folders."""
