"""Credentials at rest: never readable in the database, never in the way of those who don't look at them."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from skumap.fields import CredentialsUnreadableError
from skumap.models import AccountToken, ChannelAccount

SECRET = {"client_id": "id-1", "client_secret": "not-for-anyone"}
NEW, OLD = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def stored(account: ChannelAccount) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM skumap_channelaccount WHERE id = %s", [account.pk])
        return bytes(cursor.fetchone()[0])


def make(name: str = "one") -> ChannelAccount:
    return ChannelAccount.objects.create(channel="amazon", name=name, credentials=SECRET)


def test_what_was_stored_is_read_back_and_is_ciphertext_in_between(db):
    account = make()
    assert ChannelAccount.objects.get().credentials == SECRET
    assert b"not-for-anyone" not in stored(account)
    assert account.credentials == SECRET


def test_an_account_that_was_not_looked_at_can_be_saved_without_loss(db):
    make()
    account = ChannelAccount.objects.get()
    account.name = "renamed"
    account.save()
    assert ChannelAccount.objects.get(name="renamed").credentials == SECRET


def test_a_changed_value_is_stored_also_when_it_was_changed_in_place(db):
    make()
    account = ChannelAccount.objects.get()
    account.credentials["client_secret"] = "another"
    account.save(update_fields=["credentials"])
    assert ChannelAccount.objects.get().credentials == {**SECRET, "client_secret": "another"}
    ChannelAccount.objects.filter(pk=account.pk).update(credentials={"fresh": 1})
    account.refresh_from_db()
    assert account.credentials == {"fresh": 1}


def test_nothing_stored_is_none_and_a_deferred_value_comes_when_it_is_asked_for(db):
    account = make()
    token = AccountToken.objects.create(account=account)
    token.refresh_from_db()
    assert token.data is None
    assert ChannelAccount.objects.defer("credentials").get().credentials == SECRET


def test_a_new_key_reads_what_the_old_one_wrote_and_saving_writes_with_the_new_one(db, settings):
    settings.CREDENTIALS_KEYS = [OLD]
    make()
    settings.CREDENTIALS_KEYS = [NEW, OLD]
    account = ChannelAccount.objects.get()
    assert account.credentials == SECRET
    account.save()

    settings.CREDENTIALS_KEYS = [NEW]
    assert ChannelAccount.objects.get().credentials == SECRET


def test_an_unreadable_account_says_so_when_it_is_used_and_does_not_hide_the_others(db, settings):
    settings.CREDENTIALS_KEYS = [OLD]
    make("old")
    settings.CREDENTIALS_KEYS = [NEW]
    make("new")
    accounts = {account.name: account for account in ChannelAccount.objects.all()}
    assert accounts["new"].credentials == SECRET
    with pytest.raises(CredentialsUnreadableError, match="CREDENTIALS_KEYS"):
        _ = accounts["old"].credentials


def test_a_key_that_is_none_stops_with_the_name_of_the_setting(db, settings):
    settings.CREDENTIALS_KEYS = ["too short"]
    with pytest.raises(ImproperlyConfigured, match="CREDENTIALS_KEYS"):
        make()
