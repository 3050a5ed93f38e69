"""The stages of an answer: each a function from frozen values to frozen values."""
