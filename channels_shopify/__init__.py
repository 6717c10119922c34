"""Shopify: Admin GraphQL API 2026-10 for reading and writing, webhooks for hearing early."""
