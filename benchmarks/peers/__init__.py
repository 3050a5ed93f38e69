"""Other pipelines on the same files and with the same model: `python -m benchmarks.peers` compares them with OYL.

The scripts `langchain_index`, `llama_index_pipeline`, `haystack_pipeline` and `sentence_encode`, and `shared`, run in an
environment of their own, started in the folder above this one: OYL's packages are not on their path.
"""
