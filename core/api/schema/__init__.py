"""The OpenAPI document, read from what the views declare: a new view is described without a word more."""
