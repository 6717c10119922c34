"""Tokens in the database: one refresher at a time, and nobody overwrites a token that he did not see."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from inventory_sync.domain.errors import RetryableError
from inventory_sync.domain.ports import Token
from skumap import tokens
from skumap.models import AccountToken, ChannelAccount
from skumap.tokens import DatabaseTokenStore

AT = datetime(2026, 10, 7, 18, 30, tzinfo=UTC)


def token(access: str, **facts) -> Token:
    return Token(**{"access": access, "expires_at": AT + timedelta(hours=1), "obtained_at": AT, **facts})


@pytest.fixture
def store(account) -> DatabaseTokenStore:
    return DatabaseTokenStore(account_id=account.pk)


def test_a_token_is_read_back_as_it_was_stored(store):
    assert store.load() is None
    full = token("a", refresh="r", refresh_expires_at=AT + timedelta(days=180))
    assert store.save(full, replaces=None) == full
    assert store.load() == full
    endless = token("b", expires_at=None)
    store.save(endless, replaces=full)
    assert store.load() == endless


def test_tokens_of_other_names_and_accounts_are_others(store, other_account):
    store.save(token("a"), replaces=None)
    store.save(token("g"), replaces=None, name="grantless")
    assert store.load("grantless") == token("g")
    assert store.load() == token("a")
    assert DatabaseTokenStore(account_id=other_account.pk).load() is None


def test_only_the_token_that_was_seen_is_replaced(store):
    first = store.save(token("first"), replaces=None)
    assert store.save(token("second"), replaces=first) == token("second")

    assert store.save(token("third"), replaces=first) == token("second")
    assert store.save(token("fourth"), replaces=None) == token("second")

    assert store.load() == token("second")
    assert AccountToken.objects.get().version == 2


def test_when_the_token_ends_is_kept_beside_it_for_the_watch(store):
    store.save(token("a", refresh_expires_at=AT + timedelta(days=180)), replaces=None)
    row = AccountToken.objects.get()
    assert (row.expires_at, row.refresh_expires_at) == (AT + timedelta(hours=1), AT + timedelta(days=180))


def test_a_refresh_that_fails_lets_the_next_one_try(store):
    with pytest.raises(KeyError), store.lock():
        raise KeyError("the channel is down")
    with store.lock():
        assert AccountToken.objects.get().lease_until > timezone.now()
    assert AccountToken.objects.get().lease_until is None


def test_the_lease_of_a_process_that_died_runs_out(store):
    AccountToken.objects.create(account_id=store._account_id, lease_until=timezone.now() - timedelta(seconds=1))
    with store.lock():
        pass


def test_whoever_waits_too_long_is_told_to_come_again(store, monkeypatch):
    monkeypatch.setattr(tokens, "WAIT_SECONDS", 0.1)
    with store.lock(), pytest.raises(RetryableError) as refused, store.lock():
        pytest.fail("two refreshers at once")
    assert refused.value.retry_after


@pytest.mark.django_db(transaction=True)
def test_of_many_that_need_a_new_token_one_fetches_it(transactional_db):
    account = ChannelAccount.objects.create(channel="flipkart", name="Flipkart one")
    store = DatabaseTokenStore(account_id=account.pk)
    old = store.save(token("old"), replaces=None)
    start, fetched = Barrier(6), []

    def use(number: int) -> str:
        """What every client does: look, and if the token is the old one, refresh it under the lock unless somebody just did."""
        try:
            start.wait(timeout=10)
            with store.lock():
                seen = store.load()
                if seen != old:
                    return seen.access
                fetched.append(number)
                time.sleep(0.1)
                return store.save(token(f"new-{number}"), replaces=seen).access
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(use, range(6)))

    assert len(fetched) == 1
    assert set(got) == {f"new-{fetched[0]}"}


@pytest.mark.django_db(transaction=True)
def test_even_without_the_lock_the_first_new_token_stays(transactional_db):
    account = ChannelAccount.objects.create(channel="flipkart", name="Flipkart one")
    store = DatabaseTokenStore(account_id=account.pk)
    old = store.save(token("old"), replaces=None)
    start = Barrier(4)

    def refresh(number: int) -> str:
        try:
            start.wait(timeout=10)
            return store.save(token(f"new-{number}"), replaces=old).access
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        got = set(pool.map(refresh, range(4)))

    assert got == {store.load().access}
