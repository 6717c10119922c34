"""
The notification queue (SQS), and the subscriptions that fill it. Contract, sections 11.1 and 11.6.

The queue belongs to the seller's AWS account, not to Selling Partner credentials: trouble with it degrades the account to polling and never
stops it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from channels_amazon.client import SellingPartnerClient
from channels_amazon.settings import CHANNEL, Settings
from channels_amazon.values import Payload, objects, part, text
from inventory_sync.domain.errors import (
    ContractError,
    RejectedError,
    RetryableError,
    SetupError,
)
from inventory_sync.domain.ports import Delivery, Ports, QueueMessage
from inventory_sync.http import check_base_url

logger = logging.getLogger(__name__)

MOST_MESSAGES = 10  # in one SQS call
LONGEST_WAIT_SECONDS = 20
NOTIFIER_ACCOUNT = "437568002678"  # Amazon's AWS account that must be allowed to send to the queue
VERSIONS: Mapping[str, str] = {"FEED_PROCESSING_FINISHED": "2020-09-04", "REPORT_PROCESSING_FINISHED": "2020-09-04"}
_FINAL = frozenset({"AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidAddress",
                    "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "UnrecognizedClientException"})  # fmt: skip


class NotificationQueue:
    """One account's queue; does nothing where no ``sqs_queue_url`` is set."""

    def __init__(self, *, credentials: Mapping[str, str], settings: Settings, ports: Ports) -> None:
        self._credentials = credentials
        self._settings = settings
        self._ports = ports
        self._client: Any = None

    def receive(self, *, wait_seconds: int, limit: int) -> list[QueueMessage]:
        """
        Up to ten messages, after a long poll. A message comes again unless it is deleted within the visibility time.

        :raises RetryableError: the queue is out of reach. :raises RejectedError: it does not exist, or we may not read it.
        """
        if not self._settings.sqs_queue_url:
            return []
        answer = self._call(
            "receive_message",
            MaxNumberOfMessages=max(1, min(limit, MOST_MESSAGES)),
            WaitTimeSeconds=max(0, min(wait_seconds, LONGEST_WAIT_SECONDS)),
            VisibilityTimeout=self._settings.sqs_visibility_seconds,
            AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
        )
        received_at = self._ports.clock.now()
        return [
            QueueMessage(
                delivery=Delivery(body=text_of(message).encode(), headers=_headers(message), received_at=received_at),
                receipt=str(message.get("ReceiptHandle", "")),
            )
            for message in answer.get("Messages") or []
        ]

    def delete(self, receipts: Sequence[str]) -> None:
        """Take stored messages off the queue. One that stays comes again, and is known then."""
        wanted = [receipt for receipt in receipts if receipt]
        if wanted and not self._settings.sqs_queue_url:
            raise ContractError("the account has no notification queue", channel=CHANNEL)
        for start in range(0, len(wanted), MOST_MESSAGES):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt}
                for number, receipt in enumerate(wanted[start : start + MOST_MESSAGES])
            ]
            answer = self._call("delete_message_batch", Entries=entries)
            for failure in answer.get("Failed") or []:
                logger.warning("amazon: a message was not deleted (%s) and will come again", failure.get("Code"))

    def _call(self, operation: str, **options: Any) -> Mapping[str, Any]:
        try:
            if self._client is None:
                self._client = self._connected()
            answer: Mapping[str, Any] = getattr(self._client, operation)(
                QueueUrl=self._settings.sqs_queue_url, **options
            )
            return answer
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            words = f"the notification queue refuses: {code}"
            if code in _FINAL:
                raise RejectedError(words, channel=CHANNEL, code=code) from error
            raise RetryableError(words, channel=CHANNEL, code=code) from error
        except BotoCoreError as error:
            name = type(error).__name__
            raise RetryableError(
                f"the notification queue is out of reach: {name}", channel=CHANNEL, code=name
            ) from error

    def _connected(self) -> Any:
        settings = self._settings
        for address in filter(None, (settings.sqs_queue_url, settings.sqs_endpoint_url)):
            try:
                check_base_url(address, channel=CHANNEL, allow_private_hosts=self._ports.allow_private_hosts)
            except SetupError as error:
                raise RejectedError(f"the notification queue: {error.message}", channel=CHANNEL) from error
        key, secret = self._credentials.get("aws_access_key_id"), self._credentials.get("aws_secret_access_key")
        return boto3.session.Session().client(
            "sqs",
            region_name=settings.sqs_region,
            endpoint_url=settings.sqs_endpoint_url or None,
            aws_access_key_id=key or None,
            aws_secret_access_key=secret or None,
            config=Config(
                connect_timeout=settings.connect_timeout_seconds,
                read_timeout=LONGEST_WAIT_SECONDS + 10,
                retries={"max_attempts": 2, "mode": "standard"},
                proxies={},
            ),
        )


def text_of(message: Mapping[str, Any]) -> str:
    body = message.get("Body")
    return body if isinstance(body, str) else ""


def _headers(message: Mapping[str, Any]) -> dict[str, str]:
    attributes = message.get("Attributes") or {}
    return {
        "sqs-message-id": str(message.get("MessageId", "")),
        "sqs-sent-timestamp": str(attributes.get("SentTimestamp", "")),
        "sqs-receive-count": str(attributes.get("ApproximateReceiveCount", "")),
    }


# --- subscriptions ------------------------------------------------------------------------------------------------------------------


def subscribe(client: SellingPartnerClient, *, settings: Settings) -> list[str]:
    """
    Make sure that Amazon sends what we want to the account's queue; safe to repeat.

    :return: one line for each thing found or done, to be read by a person.
    """
    if not settings.sqs_queue_arn:
        return [
            "No queue is set, so orders come by polling alone (every few minutes). For seconds instead: make a standard SQS queue, allow AWS "
            f"account {NOTIFIER_ACCOUNT} SQS:SendMessage and SQS:GetQueueAttributes on it, and store sqs_queue_url and sqs_queue_arn here."
        ]
    lines: list[str] = []
    destination_id = _destination(client, settings=settings, lines=lines)
    lines += [
        _subscription(client, notification_type, destination_id=destination_id, settings=settings)
        for notification_type in settings.notification_types
    ]
    if not settings.sqs_queue_url:
        lines.append("Note: sqs_queue_url is not set, so nobody reads the queue yet.")
    lines.append(
        f"The queue's policy must allow AWS account {NOTIFIER_ACCOUNT} SQS:SendMessage and SQS:GetQueueAttributes: without that Amazon drops "
        "messages and says nothing."
    )
    return lines


def _destination(client: SellingPartnerClient, *, settings: Settings, lines: list[str]) -> str:
    arn = settings.sqs_queue_arn
    found = _find_destination(client, arn)
    if found:
        lines.append(f"The queue is known to Amazon as destination {found}.")
        return found
    try:
        answer = client.create_destination(name=settings.destination_name, queue_arn=arn)
        made = _id_of(answer, "destinationId")
        lines.append(f"Told Amazon about the queue: destination {made}.")
    except RejectedError as error:
        if error.status != 409:
            raise
        made = _find_destination(client, arn)  # somebody else was quicker
        lines.append(f"The queue is known to Amazon as destination {made}.")
    if not made:
        raise ContractError("Amazon names no destination for the queue", channel=CHANNEL)
    return made


def _find_destination(client: SellingPartnerClient, arn: str) -> str:
    for each in objects(client.destinations()):
        if text(part(each, "resource", "sqs").get("arn")) == arn:
            return text(each.get("destinationId"))
    return ""


def _subscription(
    client: SellingPartnerClient, notification_type: str, *, destination_id: str, settings: Settings
) -> str:
    version = VERSIONS.get(notification_type, "1.0")
    found = _find_subscription(client, notification_type, version=version)
    if found is None:
        directive = _directive(notification_type, settings=settings)
        try:
            return _created(
                client, notification_type, version=version, destination_id=destination_id, directive=directive
            )
        except RejectedError as error:
            if error.status != 409:
                return f"{notification_type}: Amazon refuses the subscription: {error.message}"
        found = _find_subscription(client, notification_type, version=version)
    if found is None:
        return f"{notification_type}: Amazon says that a subscription exists, but does not show it."
    if text(found.get("destinationId")) not in ("", destination_id):
        return (
            f"{notification_type}: subscribed, but to another destination ({text(found.get('destinationId'))}): its messages do not reach this "
            "queue. Delete that subscription, or set that destination's queue here."
        )
    return f"{notification_type}: subscribed already ({text(found.get('subscriptionId'))})."


def _created(
    client: SellingPartnerClient,
    notification_type: str,
    *,
    version: str,
    destination_id: str,
    directive: Payload | None,
) -> str:
    try:
        made = client.create_subscription(
            notification_type, version=version, destination_id=destination_id, directive=directive
        )
    except RejectedError as error:
        if directive is None or error.status != 400:
            raise
        # Some sellers' filters are refused as unreadable; we filter what comes anyway.
        logger.info("amazon: %s without a filter, the filter was refused: %s", notification_type, error)
        made = client.create_subscription(notification_type, version=version, destination_id=destination_id)
        return f"{notification_type}: subscribed without a filter, which Amazon refused ({_id_of(made, 'subscriptionId')})."
    return f"{notification_type}: subscribed now ({_id_of(made, 'subscriptionId')})."


def _find_subscription(client: SellingPartnerClient, notification_type: str, *, version: str) -> Payload | None:
    try:
        found = client.subscription(notification_type, version=version)
    except RejectedError as error:
        if error.status != 404:
            raise
        return None
    return found if isinstance(found, Mapping) and found.get("subscriptionId") else None


def _directive(notification_type: str, *, settings: Settings) -> Payload | None:
    if notification_type != "ORDER_CHANGE" or not settings.notification_filter:
        return None
    return {
        "eventFilter": {
            "eventFilterType": "ORDER_CHANGE",
            "marketplaceIds": [settings.marketplace_id],
            "orderChangeTypes": ["OrderStatusChange", "BuyerRequestedChange"],
        }
    }


def _id_of(answer: Any, name: str) -> str:
    return text(answer.get(name)) if isinstance(answer, Mapping) else ""
