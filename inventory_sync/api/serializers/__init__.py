"""What the REST API reads and writes. Strict in: a field that does not exist is refused by name."""
