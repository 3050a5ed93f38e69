"""Assistants and teammates as models of OpenAI's API: chat completions, responses, and the list of models."""
