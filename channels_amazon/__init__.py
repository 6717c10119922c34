"""Amazon Selling Partner API for Amazon.in. See ``adapter`` for what the engine uses."""
