"""Making changes of many documents at once."""
