"""Laws of accounts and tokens: who may enter, and who has to wait."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from foveal.core.errors import StoreError
from foveal.store import accounts as module
from foveal.store.accounts import FAILURES, LOCKED_SECONDS, Account
from foveal.store.tokens import LONGEST

PASSWORD = "a short sentence"
WRONG = "another sentence"


@pytest.fixture
def store(store, monkeypatch):
    monkeypatch.setattr(module, "N", 2**4)  # the real one takes its time, as it should
    store.accounts.add("ann", "reader", PASSWORD)
    return store


def test_the_right_password_opens_and_others_do_not(store):
    accounts = store.accounts
    assert accounts.check("ann", PASSWORD) == Account("ann", "reader", True, True)
    for wrong in [WRONG, "", PASSWORD + " ", PASSWORD[:-1], PASSWORD * 100, "\ud800", "\0"]:
        assert accounts.check("ann", wrong) is None
        store.accounts.set_password("ann", PASSWORD)  # no lock here
    for nobody in ["bob", "", "ann ", "a" * 41, "\ud800", "x\0", "'; --"]:
        assert accounts.check(nobody, PASSWORD) is None


def test_the_longest_password_opens_but_a_longer_one_does_not(store):
    longest = "x" * 200
    store.accounts.add("bob", "lead", longest)
    assert store.accounts.check("bob", longest)
    assert store.accounts.check("bob", longest + "y") is None


def test_what_is_stored_is_no_password(store):
    store.accounts.add("bob", "lead", PASSWORD)
    with store.database.reader.connect() as connection:
        rows = connection.exec_driver_sql("SELECT password FROM foveal_accounts").scalars().all()
    assert len(set(rows)) == 2  # the same password, two salts
    assert all(PASSWORD not in row for row in rows)


def test_a_name_is_locked_after_wrong_passwords_and_opens_again(store, clock):
    for _ in range(FAILURES):
        assert store.accounts.check("ann", WRONG) is None
    assert store.accounts.check("ann", PASSWORD) is None
    clock.now += LOCKED_SECONDS - 0.1
    assert store.accounts.check("ann", PASSWORD) is None
    clock.now += 0.2
    assert store.accounts.check("ann", PASSWORD)
    for _ in range(FAILURES - 1):  # the right one began a new count
        assert store.accounts.check("ann", WRONG) is None
    assert store.accounts.check("ann", PASSWORD)


def test_many_tries_at_once_are_counted_one_by_one(store):
    with ThreadPoolExecutor(8) as crowd:
        assert not any(crowd.map(lambda _: store.accounts.check("ann", WRONG), range(FAILURES)))
    assert store.accounts.check("ann", PASSWORD) is None  # locked


def test_a_clock_set_back_locks_nobody_for_ever(store, clock):
    for _ in range(FAILURES):
        store.accounts.check("ann", WRONG)
    clock.now -= 1e6
    assert store.accounts.check("ann", PASSWORD)


def test_an_account_without_a_password_opens_for_none(store):
    store.accounts.add("bob", "lead")
    assert store.accounts.get("bob") == Account("bob", "lead", True, False)
    assert store.accounts.check("bob", "") is None
    assert store.accounts.check("bob", PASSWORD) is None


def test_accounts_change(store):
    accounts = store.accounts
    accounts.add("bob", "lead")
    accounts.set_role("bob", "admin")
    accounts.set_password("bob", WRONG)
    accounts.enable("ann", False)
    assert accounts.check("bob", WRONG) == Account("bob", "admin", True, True)
    assert accounts.check("ann", PASSWORD) is None
    assert [one.name for one in accounts.all()] == ["ann", "bob"]
    assert accounts.get("cis") is None


@pytest.mark.parametrize("name", ["", "a b", "a" * 41, "ä", "../x", "a\n", "<b>"])
def test_names_are_plain(store, name):
    with pytest.raises(StoreError, match="1 to 40"):
        store.accounts.add(name, "reader")
    with pytest.raises(StoreError, match="no account"):
        store.accounts.enable(name, False)


@pytest.mark.parametrize("password", ["short", "x" * 201])
def test_passwords_have_a_length(store, password):
    with pytest.raises(StoreError, match="10 to 200"):
        store.accounts.add("bob", "reader", password)
    assert store.accounts.get("bob") is None


def test_names_are_taken_once_and_roles_are_known(store):
    with pytest.raises(StoreError, match="already"):
        store.accounts.add("ann", "lead")
    with pytest.raises(StoreError, match="role"):
        store.accounts.add("bob", "king")
    with pytest.raises(StoreError, match="role"):
        store.accounts.set_role("ann", "king")


def test_a_session_holds_until_it_ends(store, clock):
    token = store.tokens.give("ann", 60.0)
    assert store.tokens.holder(token).name == "ann"
    clock.now += 59.0
    assert store.tokens.holder(token)
    clock.now += 1.0
    assert store.tokens.holder(token) is None
    clock.now -= 1.0
    store.tokens.drop(token)
    assert store.tokens.holder(token) is None


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a" * 10_000, "\0"])
def test_made_up_tokens_open_nothing(store, token):
    assert store.tokens.holder(token) is None
    assert store.tokens.redeem(token) is None


def test_a_session_ends_with_its_account(store):
    token = store.tokens.give("ann", 60.0)
    store.accounts.enable("ann", False)
    assert store.tokens.holder(token) is None
    store.accounts.enable("ann", True)
    assert store.tokens.holder(token)
    store.tokens.drop_all("ann")
    assert store.tokens.holder(token) is None


def test_an_invitation_opens_once_and_is_no_session(store):
    token = store.tokens.give("ann", 60.0, "invitation")
    assert store.tokens.holder(token) is None
    with ThreadPoolExecutor(8) as crowd:
        opened = list(crowd.map(lambda _: store.tokens.redeem(token), range(16)))
    assert sum(one is not None for one in opened) == 1
    assert store.tokens.redeem(store.tokens.give("ann", 60.0)) is None


def test_a_token_lasts_no_longer_than_a_month(store, clock):
    token = store.tokens.give("ann", 10 * LONGEST)
    clock.now += LONGEST
    assert store.tokens.holder(token) is None


def test_a_token_is_kept_as_a_hash(store):
    token = store.tokens.give("ann", 60.0)
    with store.database.reader.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM foveal_tokens").all()
    assert rows
    assert all(token not in str(row) for row in rows)
    with pytest.raises(StoreError):
        store.tokens.give("nobody", 60.0)
