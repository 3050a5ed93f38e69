"""Tables of a workspace: files are imported as jobs, kept as Parquet by generation, and queried exactly."""
