"""What can go wrong with the embedded servers. The message says what to do about it."""


class EmbeddedServerError(Exception):
    """A server could not be found, started, reached or stopped."""
