"""Nothing secret reaches a log, whatever a marketplace puts into its answers."""

from inventory_sync.http import redact_text


def test_a_token_that_flipkart_repeats_in_its_answer_is_hidden() -> None:
    body = '{"error":"invalid_token","error_description":"Invalid access token: 0f8fad5b-d9cb-469f-a165-70867728950e"}'

    assert "0f8fad5b" not in redact_text(body)
