"""The admin of conversations, and of routing."""
