"""Who answers a question that a teammate was asked. A strategy is a pure function of the configuration, the question, the
history and what was measured; the dry run calls the same."""
