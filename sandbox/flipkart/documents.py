"""Labels, invoices and manifests as real PDF bytes, and invoices as JSON (contract 6.7, 6.9)."""

from __future__ import annotations

from typing import Any

from sandbox.flipkart.model import Shipment


def pdf(pages: list[list[str]]) -> bytes:
    """A small valid PDF 1.4: one page per list of lines, in Helvetica. Characters outside Latin-1 become question marks."""
    count = max(len(pages), 1)
    page_numbers = [4 + 2 * index for index in range(count)]
    kids = " ".join(f"{number} 0 R" for number in page_numbers)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, lines in zip(page_numbers, pages or [[]], strict=True):
        shown = b"".join(b"(" + _escaped(line) + b") Tj T*\n" for line in lines)
        stream = b"BT /F1 11 Tf 40 780 Td 16 TL\n" + shown + b"ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {number + 1} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    return _assembled(objects)


def _assembled(objects: list[bytes]) -> bytes:
    body, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(body) + trailer % (len(objects) + 1, table, len(objects) + 1, len(body))


def _escaped(line: str) -> bytes:
    text = line.encode("latin-1", "replace")
    return text.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def label_page(shipment: Shipment, *, with_invoice: bool) -> list[str]:
    lines = [
        f"Shipping label {shipment.shipment_id}",
        f"Order {shipment.order_id}",
        f"{shipment.courier} {shipment.tracking_id}",
        *(f"{item.quantity} x {item.sku}" for item in shipment.live_items()),
    ]
    return lines + ([f"Tax invoice {invoice_number(shipment)}"] if with_invoice else [])


def invoice_number(shipment: Shipment) -> str:
    """What the seller gave when packing, else one of Flipkart's."""
    given = str(shipment.invoice.get("invoiceNumber") or "")
    return given if given not in {"", "0"} else f"FA{shipment.order_id[-10:]}"


def invoice_json(shipment: Shipment) -> dict[str, Any]:
    day = str(shipment.invoice.get("invoiceDate") or shipment.created_at.date().isoformat())
    return {
        "shipmentId": shipment.shipment_id,
        "invoiceDate": day,
        "invoiceNumber": invoice_number(shipment),
        "fssaiLicenseNo": None,
        "orderItems": [
            {
                "orderItemId": item.order_item_id,
                "invoiceAmount": float(item.unit_price * item.quantity),
                "serialNumbers": [],
                "taxDetails": {"cgstRate": 2.5, "sgstRate": 2.5, "igstRate": 0.0},
            }
            for item in shipment.live_items()
        ],
    }
