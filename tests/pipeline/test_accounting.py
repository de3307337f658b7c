"""Where every sampled frame is, over restarts of either half."""

from hypothesis import given, strategies as st

from custom_components.camera_narrator.pipeline.accounting import (
    EPOCHS_MAX,
    Accounts,
    BridgeCounts,
    add,
)
from custom_components.camera_narrator.pipeline.outcomes import Account, Outcomes


class Book:
    """Accounts over outcomes set by hand."""

    def __init__(self, run_id: str = "run") -> None:
        self.outcomes: dict[str, Outcomes] = {}
        self.accounts = Accounts(
            run_id=run_id,
            outcomes=lambda epoch: self.outcomes.get(epoch, Outcomes()),
            settled=lambda epoch: self.outcomes.get(epoch, Outcomes()).settled,
        )

    def hello(
        self,
        epoch: str = "e",
        *,
        sampled: int = 0,
        acknowledged: int = 0,
        settled: int = 0,
        run_id: str = "",
    ) -> None:
        """Let the bridge connect."""
        self.accounts.hello(
            epoch,
            BridgeCounts(sampled=sampled),
            acknowledged=acknowledged,
            settled=settled,
            run_id=run_id,
        )


def test_the_sum_at_rest() -> None:
    """Everything sampled is in a counter; what is in none is lost."""
    book = Book()
    book.hello()
    book.accounts.status(
        "e", BridgeCounts(sampled=100, replaced=3, overflowed=2, withdrawn=1, unacknowledged=4)
    )
    book.outcomes["e"] = Outcomes(received=90, analysed=60, gated=20, buffered=8, in_flight=2)
    account = book.accounts.account("e")
    assert account.lost == 0
    assert book.accounts.settled("e") == 80
    book.outcomes["e"] = Outcomes(received=89, analysed=60, gated=20, buffered=8, in_flight=1)
    assert book.accounts.account("e").lost == 1


def test_a_restart_of_home_assistant_loses_its_buffer_and_says_so() -> None:
    """Base is what the earlier run settled; what it had received beyond that is lost."""
    book = Book("second")
    book.hello(sampled=50, acknowledged=40, settled=30, run_id="first")
    book.outcomes["e"] = Outcomes(received=10, gated=10)
    account = book.accounts.account("e")
    assert account.base == 30
    assert account.lost == 10
    assert book.accounts.settled("e") == 50


def test_a_reconnect_within_a_run_starts_nothing_anew() -> None:
    """The base of the first hello holds; the counts are the newest."""
    book = Book("second")
    book.hello(sampled=50, acknowledged=40, settled=30, run_id="first")
    book.hello(sampled=60, acknowledged=50, settled=45, run_id="second")
    book.outcomes["e"] = Outcomes(received=20, gated=20)
    account = book.accounts.account("e")
    assert (account.sampled, account.base, account.lost) == (60, 30, 10)


def test_a_first_hello_of_this_very_run_has_no_base() -> None:
    """Its own frames are in its own outcomes."""
    book = Book("run")
    book.hello(sampled=5, acknowledged=5, settled=2, run_id="run")
    book.outcomes["e"] = Outcomes(received=5, gated=2, buffered=3)
    assert book.accounts.account("e").base == 0
    assert book.accounts.account("e").lost == 0


def test_a_bridge_that_died_closes_its_epoch() -> None:
    """Frames that came after its last status were sampled all the same; what it held is lost with it."""
    book = Book()
    book.hello("old")
    book.accounts.status("old", BridgeCounts(sampled=10, replaced=2, unacknowledged=3))
    book.outcomes["old"] = Outcomes(received=12, analysed=12)
    assert book.accounts.account("old").lost == 0
    book.hello("new")
    account = book.accounts.account("old")
    assert (account.sampled, account.unacknowledged, account.lost) == (14, 0, 0)
    book.outcomes["old"] = Outcomes(received=6, analysed=6)
    assert book.accounts.account("old").sampled == 10
    assert book.accounts.account("old").lost == 2


def test_a_frame_whose_acknowledgement_the_last_status_missed_counts_once() -> None:
    """The bridge ends before it hears of its last frames: they are here, and not on their way."""
    book = Book()
    book.hello("e")
    book.accounts.status("e", BridgeCounts(sampled=8, unacknowledged=3))
    book.outcomes["e"] = Outcomes(received=7, analysed=5, buffered=2)
    account = book.accounts.account("e")
    assert (account.sampled, account.unacknowledged, account.lost) == (8, 1, 0)


def test_a_death_after_a_restart_of_home_assistant() -> None:
    """What earlier runs had received was sampled as well."""
    book = Book("second")
    book.hello("old", sampled=50, acknowledged=45, settled=45, run_id="first")
    book.outcomes["old"] = Outcomes(received=15, gated=15)
    book.hello("new")
    account = book.accounts.account("old")
    assert (account.sampled, account.lost) == (60, 0)


def test_an_epoch_that_comes_back_is_open_again() -> None:
    """Two bridges that take turns under one identity do not spoil the sum."""
    book = Book()
    book.hello("a", sampled=3)
    book.hello("b")
    book.hello("a", sampled=3)
    book.outcomes["a"] = Outcomes(received=3, gated=3)
    assert book.accounts.account("a").lost == 0


def test_a_status_without_a_hello_counts_from_nothing() -> None:
    """A camera added while its bridge is connected."""
    book = Book()
    book.accounts.status("e", BridgeCounts(sampled=1))
    assert book.accounts.account("e").lost == 1
    assert book.accounts.account("unknown") == Account()
    assert book.accounts.settled("unknown") == 0


def test_the_total_keeps_what_old_epochs_counted() -> None:
    """Only the newest epochs are told apart; no frame leaves the sum."""
    book = Book()
    epochs = EPOCHS_MAX + 5
    for number in range(epochs):
        book.hello(f"{number}")
        book.accounts.status(f"{number}", BridgeCounts(sampled=10))
        book.outcomes[f"{number}"] = Outcomes(received=10, gated=9, buffered=1)
    total = book.accounts.total()
    assert (total.sampled, total.outcomes.gated, total.lost) == (10 * epochs, 9 * epochs, 0)


COUNTS = st.integers(min_value=0, max_value=99)
ACCOUNTS = st.builds(
    Account,
    sampled=COUNTS,
    replaced=COUNTS,
    overflowed=COUNTS,
    withdrawn=COUNTS,
    unacknowledged=COUNTS,
    base=COUNTS,
    outcomes=st.builds(
        Outcomes,
        received=COUNTS,
        rejected=COUNTS,
        analysed=COUNTS,
        failed=COUNTS,
        gated=COUNTS,
        not_selected=COUNTS,
        evicted=COUNTS,
        buffered=COUNTS,
        in_flight=COUNTS,
        duplicates=COUNTS,
        resent=COUNTS,
    ),
)


@given(ACCOUNTS, ACCOUNTS)
def test_adding_loses_nothing(one: Account, other: Account) -> None:
    """What is lost in the sum is what is lost in the parts."""
    total = add(one, other)
    assert total.lost == one.lost + other.lost
    assert add(total, Account()) == total
    assert add(one, other) == add(other, one)
