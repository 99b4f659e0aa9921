"""Authenticate: the environment, trusted hosts, OAuth 2.0, and where sign-ins are stored."""
