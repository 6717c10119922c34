"""
The object store behind feeds and reports: presigned addresses, on any host, good for five minutes.

Neither token nor Amazon's headers go there. The address comes from Amazon, yet it is checked like every other: https on a public host, unless
the account runs against a sandbox on this machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from channels_amazon.settings import CHANNEL, Settings
from channels_amazon.values import Payload, text
from inventory_sync.domain.errors import ChannelError, ContractError, RejectedError, RetryableError, SetupError
from inventory_sync.domain.ports import Ports, Share
from inventory_sync.http import ApiClient, ApiResponse

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A downloaded document, unpacked. ``charset`` is "" where the store did not say."""

    body: bytes
    charset: str

    def decoded(self) -> str:
        """By the charset said, else UTF-8, else what Windows and old systems write (contract, section 13)."""
        for encoding in filter(None, (self.charset, "utf-8-sig", "cp1252")):
            try:
                return self.body.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
            except (UnicodeDecodeError, LookupError):
                continue
        return self.body.decode("iso-8859-1")


class DocumentStore:
    """Uploads and downloads of one account."""

    def __init__(self, *, ports: Ports, settings: Settings) -> None:
        self._ports = ports
        self._settings = settings

    def upload(self, url: str, body: bytes, *, content_type: str) -> None:
        """PUT with exactly this content type. Safe to repeat, so it is retried."""
        self._call("PUT", url, data=body, headers={"Content-Type": content_type})

    def download(self, described: Payload) -> Document:
        """:param described: what getReportDocument or getFeedDocument answered: ``url``, ``compressionAlgorithm``."""
        response = self._call("GET", text(described.get("url")), headers={"Accept": "*/*"})
        body = response.body
        # Some stores say Content-Encoding: gzip as well; the HTTP library has unpacked it then.
        if body.startswith(_GZIP_MAGIC):
            body = self._unpacked(body)
        return Document(body=body, charset=_charset(response.headers.get("Content-Type", "")))

    def _call(self, method: str, url: str, *, headers: Mapping[str, str], data: bytes | None = None) -> ApiResponse:
        client = self._client(url)
        try:
            return client.request(
                method,
                url,
                operation="document",
                share=Share.BULK,
                headers=headers,
                data=data,
                retries=2,
                deadline_seconds=self._settings.read_deadline_seconds,
            )
        finally:
            client.close()

    def _client(self, url: str) -> ApiClient:
        parts = urlsplit(url)
        try:
            return ApiClient(
                channel=CHANNEL,
                base_url=f"{parts.scheme}://{parts.netloc}",
                budget=self._ports.budget,
                clock=self._ports.clock,
                connect_timeout=self._settings.connect_timeout_seconds,
                read_timeout=self._settings.read_timeout_seconds,
                allow_private_hosts=self._ports.allow_private_hosts,
                error_mapper=_store_error,
                max_body_bytes=int(self._settings.document_bytes),
                retry_base_seconds=self._settings.retry_base_seconds,
                retry_cap_seconds=self._settings.retry_cap_seconds,
            )
        except SetupError as error:  # nothing that a person has set: Amazon named this address
            raise ContractError(f"a document's address can't be used: {error.message}", channel=CHANNEL) from error

    def _unpacked(self, body: bytes) -> bytes:
        """
        Gunzip, up to the size that the account allows.

        :raises ContractError: broken, or larger.
        """
        limit = int(self._settings.document_bytes)
        unpacked = b""
        try:
            while body:  # members may follow each other
                engine = zlib.decompressobj(wbits=31)
                unpacked += engine.decompress(body, limit - len(unpacked) + 1)
                if len(unpacked) > limit:
                    raise ContractError(f"a document is larger than {limit} bytes", channel=CHANNEL)
                if not engine.eof:
                    raise ContractError("a document ends in the middle", channel=CHANNEL)
                body = engine.unused_data if engine.unused_data.startswith(_GZIP_MAGIC) else b""
        except zlib.error as error:
            raise ContractError("a document can't be unpacked", channel=CHANNEL) from error
        return unpacked


def _store_error(response: ApiResponse) -> ChannelError | None:
    """The store's refusals say nothing about our credentials: 403 is an address whose five minutes are over."""
    facts: dict[str, Any] = {"channel": CHANNEL, "status": response.status}
    if response.status == 403:
        return RetryableError(
            "the document's address is no longer good", code="DOCUMENT_EXPIRED", retry_after=300, **facts
        )
    if 400 <= response.status < 500 and response.status not in (408, 429):
        return RejectedError("the document store refuses", code="DOCUMENT_REFUSED", **facts)
    return None


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"')
    return ""
