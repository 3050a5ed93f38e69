"""What others do with the same files and the same model: `python -m benchmarks.peers` compares.

The scripts `langchain_index`, `llama_index_pipeline`, `haystack_pipeline` and `sentence_encode`, and what they share, run
in an environment of their own, started in the folder above this one: OYL's packages are not on their path.
"""
