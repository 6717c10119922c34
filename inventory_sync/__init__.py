"""One pool of stock, sold on Flipkart, Shopify and Amazon India without overselling it."""
