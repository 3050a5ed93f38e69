"""The base of the OpenAI-compatible API below `/v1/`: ids, fields, pages and errors."""
