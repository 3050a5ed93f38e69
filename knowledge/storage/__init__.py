"""Files: the stored originals, and uploads from browsers, API clients and folders."""
