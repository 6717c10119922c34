"""The REST API's views: translate, call one service, translate back."""
