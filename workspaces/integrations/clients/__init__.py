"""How OYL connects to the services of integrations: each by the library of its protocol, to addresses that were checked.

These modules load large libraries, so they are imported where they are used.
"""
