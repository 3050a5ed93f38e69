"""Markup languages, and books made of them."""
