"""What is done with conversations. Entry points call nothing else."""
