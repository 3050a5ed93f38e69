"""Changing the embedding model of a reference. Its passages get vectors of the new model while those of the old one answer
(`knowledge.ingestion.second_vectors`); then a check compares both (`recall`), one transaction switches, and the old vectors
are kept for a while, and removed (`steps`)."""
