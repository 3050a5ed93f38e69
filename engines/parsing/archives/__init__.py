"""Archives, and packages that are not read."""
