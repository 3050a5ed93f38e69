"""Answering a question from the passages of an assistant's knowledge bases, and who answers it."""
