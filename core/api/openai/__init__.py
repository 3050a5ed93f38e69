"""The base of what OpenAI's clients ask for below `/v1/`: ids, fields, pages and errors of that shape."""
