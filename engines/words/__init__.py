"""Words: where they are in a text, in how many ways they are written, and what their forms have in common.

Texts and questions are cut alike. What one word is found by is decided here; what it weighs, in `engines.vectors.bm25`.
"""
