"""What can be done with tenants, members, API keys and users."""
