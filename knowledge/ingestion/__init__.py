"""The worker's side: jobs are claimed (`jobs`), their documents loaded (`loading`) and sent through the pipeline (`work`),
what is found inside files is queued (`members`), and the new generation is shown (`flipping`)."""
