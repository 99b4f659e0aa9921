"""The HTTP client: retries, throttling, outages."""
