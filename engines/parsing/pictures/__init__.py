"""Pictures, and the recognition of text in them."""
