"""`/v1/`: what OpenAI's clients know, by the same services as `/api/v1/`. A reference is a vector store, a document a file
in it."""
