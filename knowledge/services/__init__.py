"""What can be done with libraries, documents and tags."""
