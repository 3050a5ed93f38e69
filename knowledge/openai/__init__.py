"""`/v1/`: OpenAI's routes, through the same services as `/api/v1/`. A reference is a vector store, a document a file in
it."""
