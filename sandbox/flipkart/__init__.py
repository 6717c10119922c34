"""
Flipkart Marketplace, seller API v3, as a stateful local server. The contract's section 13 says what it reproduces.

Left out: legacy v2 orders, hyperlocal, reports (so also the FBF ``inventory_report``), the newer return tasks. One seller per
marketplace object.

Faults (``world.faults.switch_on("flipkart.<name>", ...)``). Those of calls take the option ``operation``, those of listing
writes ``sku``, those of events ``event_type``: a value or a list of values that narrow where it strikes.

    flipkart.slow                     a call is answered late: option seconds (2)
    flipkart.http_429                 429 in place of the answer; option retry_after adds the header
    flipkart.invalid_token            401 invalid_token for a live token
    flipkart.http_500_invalid_token   500 with invalid_token wrapped inside
    flipkart.http_500                 500 INTERNAL_SERVER_ERROR
    flipkart.http_503                 503 DEPENDENT_SYSTEM_CALL_FAILED
    flipkart.http_504_html            504 as an HTML page, nothing was done
    flipkart.http_599                 599 with an empty body, nothing was done
    flipkart.timeout_before           silence for option seconds (35), nothing was done
    flipkart.timeout_after_apply      the write is applied, then silence for option seconds (35)
    flipkart.http_504_after_apply     the write is applied, the answer is a 504 HTML page
    flipkart.truncated_body           JSON cut in the middle
    flipkart.token_unavailable        503 as HTML on the OAuth endpoints
    flipkart.sku_failure              a SKU of a map write fails; option code
    flipkart.sku_warning              a SKU is written with status WARNING
    flipkart.sku_missing              a SKU is written and missing from the answer
    flipkart.invalid_location         a SKU fails with "Invalid location provided"
    flipkart.late_effect              an accepted quantity takes effect after option seconds (900)
    flipkart.write_lost               an accepted quantity never takes effect
    flipkart.search_repeats_page_id   the listing search says has_more with the page id it was given
    flipkart.quantity_as_float        every order quantity as 1.0
    flipkart.pack_fails               packing is refused over package dimensions
    flipkart.pack_slow                packing takes option seconds (1800)
    flipkart.form_failed              packing ends in FORM_FAILED
    flipkart.document_error           200 with a JSON error in place of a PDF
    flipkart.push_lost                an event is never sent
    flipkart.push_duplicate           an event is sent twice
    flipkart.push_late                an event waits option seconds (600)
    flipkart.push_forged              a copy of an event with a wrong signature comes beside it
    flipkart.push_stale               a copy of an event with a date hours old comes beside it
    flipkart.push_dashes              X-Date and X-Authorization in place of the underscore names
"""

from __future__ import annotations

from sandbox.flipkart.marketplace import FlipkartMarketplace

FAULTS: dict[str, str] = {
    line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1]
    for line in (each.strip() for each in (__doc__ or "").splitlines())
    if line.startswith("flipkart.")
}

__all__ = ["FAULTS", "FlipkartMarketplace"]
