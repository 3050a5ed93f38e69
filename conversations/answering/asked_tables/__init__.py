"""Questions about tables without a model: a question whose every word is understood becomes one structured query."""
