"""References, documents, tags and search over REST."""
