"""
What can go wrong with a channel, by what happens next.

    ChannelError             message, channel, code and request_id (the channel's own reference)
      RetryableError         the same call may work later; retry_after in seconds
        RateLimitedError     the channel, or our own call budget, says "later"
          BudgetError        our own budget: the call was not made
      RejectedError          this call will never work: record it and move on
        ListingNotFoundError the channel does not know the listing, item or location
        NotWritableError     stock that the marketplace holds, or a listing we may not write
        StaleQuantityError   a compare-and-swap found another value; read again and decide afresh
        SignatureError       a webhook that nobody we know has signed
        ContractError        the answer is not what the contract says: our bug or theirs, never a retry
      SetupError             a person must act: the account is paused
        CredentialsError     the channel does not accept who we say we are

The branch is the decision, the leaf is the detail. Every channel maps its own codes in one closed table (``channels_*/errors.py``).
"""

from __future__ import annotations


class ChannelError(Exception):
    """
    A channel did not do what was asked.

    :ivar may_have_applied: the request may have reached the channel and taken effect (timeout, broken connection, 5xx). A caller that
        wrote a quantity must then treat the write as in flight.
    """

    def __init__(
        self,
        message: str,
        *,
        channel: str = "",
        code: str = "",
        request_id: str = "",
        status: int | None = None,
        may_have_applied: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.channel = channel
        self.code = code
        self.request_id = request_id
        self.status = status
        self.may_have_applied = may_have_applied

    def __str__(self) -> str:
        facts = [self.channel, self.code, f"HTTP {self.status}" if self.status else "", self.request_id]
        known = ", ".join(fact for fact in facts if fact)
        return f"{self.message} ({known})" if known else self.message


class RetryableError(ChannelError):
    """The same call may work later. ``retry_after`` is in seconds, None when the channel did not say."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        channel: str = "",
        code: str = "",
        request_id: str = "",
        status: int | None = None,
        may_have_applied: bool = False,
    ) -> None:
        super().__init__(
            message,
            channel=channel,
            code=code,
            request_id=request_id,
            status=status,
            may_have_applied=may_have_applied,
        )
        self.retry_after = retry_after


class RateLimitedError(RetryableError):
    """Too many calls: the channel refused this one, nothing was applied."""


class BudgetError(RateLimitedError):
    """Our own call budget is used up for this kind of call; nothing was sent."""


class RejectedError(ChannelError):
    """This call will never work as it is."""


class ListingNotFoundError(RejectedError):
    """The channel does not know this listing, item or location."""


class NotWritableError(RejectedError):
    """A quantity that is not ours to write (marketplace-held stock, bundle parent, unknown fulfilment)."""


class StaleQuantityError(RejectedError):
    """A compare-and-swap found another quantity than we compared with; nothing was written."""


class SignatureError(RejectedError):
    """A delivery whose signature is missing or wrong."""


class ContractError(RejectedError):
    """The channel's answer does not fit its contract, or our request did not."""


class SetupError(ChannelError):
    """A person must act before this account can work again."""


class CredentialsError(SetupError):
    """Credentials, token or permission are refused."""
