"""
Three marketplaces to run against: Flipkart, Shopify and Amazon.in as one local HTTP server with state of its own.

Nothing here imports the product, and no product code imports this: the two agree only on the marketplaces' contracts.
"""
