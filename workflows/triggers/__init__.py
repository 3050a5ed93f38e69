"""What starts runs without a person: schedules, webhooks, and events of documents and feedback.

Each occurrence is a row of `TriggerEvent`, written in the transaction of what has happened, and a job that starts the run.
"""
