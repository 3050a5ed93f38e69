"""Webhooks out: what happens in a workspace is sent to the addresses that its administrators give.

The audit log is the outbox: its event is committed with the change. When events are sealed, which gives them their order,
each becomes a delivery for every subscription that wants it, in the same transaction (`outbox`).
"""
