"""What can be done with references, documents and tags."""
