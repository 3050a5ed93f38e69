"""The worker's side of ingestion: jobs are claimed (`handler`), their documents loaded (`sources`) and sent through the
pipeline (`ingest`), files found inside them are queued (`archive_members`), and the new generation is published
(`publishing`)."""
