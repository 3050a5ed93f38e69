"""What is done with workflows. Entry points call nothing else."""
