"""Searching chunks, and evaluating the search."""
