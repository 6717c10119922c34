"""Flipkart Marketplace Seller API, v3 (returns: v2). See ``adapter`` for what the engine uses."""
