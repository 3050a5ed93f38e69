"""The MCP server: what other people's assistants may do here. Each tool is a route of the REST API."""
