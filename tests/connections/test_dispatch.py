"""Streams are handed out once, fairly and on time; a run that lost its lease writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channable.tenants.models import Company
from channable.tenants.scope import all_companies, company_scope
from connections import dispatch
from connections.connectors.errors import RateLimited, TransientError
from connections.models import Connection, ConnectionState, RunOutcome, Stream, SyncRun
from connections.streams import read_again_from_the_start
from connections.tasks import MOST_WAITING, dispatch_due, sync_stream
from tests.factories import CompanyFactory, ConnectionFactory, StreamFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stream(company: Company) -> Stream:
    stream: Stream = StreamFactory(connection=ConnectionFactory(company=company), name="updates", topic="updates")
    return stream


def fresh(stream: Stream) -> Stream:
    with company_scope(stream.company_id):
        return Stream.objects.select_related("connection").get(pk=stream.pk)


def change(stream: Stream, **values: Any) -> None:
    with company_scope(stream.company_id):
        Stream.objects.filter(pk=stream.pk).update(**values)


def change_account(stream: Stream, **values: Any) -> None:
    with company_scope(stream.company_id):
        Connection.objects.filter(pk=stream.connection_id).update(**values)


def started(stream: Stream) -> dispatch.Run:
    (claim,) = dispatch.claim_due()
    run = dispatch.start_run(claim.company_id, claim.stream_id, claim.token)
    assert run is not None
    return run


def test_a_due_stream_is_claimed_once(stream: Stream) -> None:
    assert [claim.stream_id for claim in dispatch.claim_due()] == [stream.pk]
    assert dispatch.claim_due() == []


def test_a_lost_hint_is_due_again_when_its_lease_ran_out(stream: Stream) -> None:
    dispatch.claim_due()
    change(stream, lease_until=timezone.now() - timedelta(seconds=1))
    assert len(dispatch.claim_due()) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"is_paused": True},
        {"state": ConnectionState.EXPIRED},
        {"not_before": timezone.now() + timedelta(days=1)},
        {"deleted_at": timezone.now()},
    ],
    ids=lambda values: next(iter(values)),
)
def test_an_account_that_has_to_rest_is_left_alone(stream: Stream, values: dict[str, Any]) -> None:
    change_account(stream, **values)
    assert dispatch.claim_due() == []


def test_a_company_that_is_paused_is_left_alone(stream: Stream) -> None:
    with all_companies():  # as billing will do it
        Company.objects.filter(pk=stream.company_id).update(sync_paused_reason="unpaid")
    assert dispatch.claim_due() == []


def test_streams_not_due_or_not_polled_are_left_alone(stream: Stream) -> None:
    change(stream, next_run_at=timezone.now() + timedelta(minutes=1))
    assert dispatch.claim_due() == []
    change(stream, next_run_at=timezone.now(), is_active=False)
    assert dispatch.claim_due() == []


def test_companies_take_turns_and_none_takes_more_than_its_share() -> None:
    big, small = CompanyFactory(), CompanyFactory()
    early = timezone.now() - timedelta(hours=1)
    for _ in range(6):
        StreamFactory(connection=ConnectionFactory(company=big), next_run_at=early)
    StreamFactory(connection=ConnectionFactory(company=small))
    claims = dispatch.claim_due(most=2)
    assert {claim.company_id for claim in claims} == {big.pk, small.pk}
    assert len(dispatch.claim_due(per_company=3)) == 3


def test_two_dispatchers_at_once_claim_nothing_twice() -> None:
    company = CompanyFactory()
    streams = {StreamFactory(connection=ConnectionFactory(company=company)).pk for _ in range(40)}
    claims: list[dispatch.Claim] = []
    barrier = Barrier(4)

    def claim() -> None:
        barrier.wait()
        try:
            for _ in range(10):
                claims.extend(dispatch.claim_due(most=5))
        finally:
            database.close()

    threads = [Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claim.stream_id for claim in claims) == sorted(streams)


def test_a_doubled_task_does_nothing(stream: Stream) -> None:
    (claim,) = dispatch.claim_due()
    assert dispatch.start_run(claim.company_id, claim.stream_id, claim.token)
    assert dispatch.start_run(claim.company_id, claim.stream_id, claim.token) is None


def test_a_task_that_comes_too_late_does_nothing(stream: Stream) -> None:
    (claim,) = dispatch.claim_due()
    change(stream, lease_until=timezone.now() - timedelta(seconds=1))
    assert dispatch.start_run(claim.company_id, claim.stream_id, claim.token) is None


def test_a_run_that_was_handed_out_does_not_start_when_its_account_is_paused(stream: Stream) -> None:
    (claim,) = dispatch.claim_due()
    change_account(stream, is_paused=True)
    assert dispatch.start_run(claim.company_id, claim.stream_id, claim.token) is None
    change_account(stream, is_paused=False)
    assert dispatch.start_run(claim.company_id, claim.stream_id, claim.token) is not None


def test_a_run_ends_by_the_clock_by_which_it_began(stream: Stream) -> None:
    dispatch.run_stream(started(stream), fails_with(TransientError("no route")))
    with company_scope(stream.company_id):
        run = SyncRun.objects.get()
    assert run.finished_at is not None
    assert timedelta(0) < run.finished_at - run.started_at < timedelta(minutes=1)


def test_a_task_of_nobody_does_nothing(stream: Stream) -> None:
    sync_stream(stream.company_id, stream.pk, str(uuid4()))
    assert fresh(stream).last_run_at is None


def test_the_due_time_moves_by_whole_periods(stream: Stream) -> None:
    due = timezone.now() - timedelta(seconds=700)
    change(stream, next_run_at=due)
    started(stream)
    assert fresh(stream).next_run_at == due + timedelta(seconds=900)


def test_a_run_that_lost_its_lease_can_write_nothing_more(stream: Stream) -> None:
    slow = started(stream)
    change(stream, lease_until=timezone.now() - timedelta(seconds=1), next_run_at=timezone.now())
    quick = started(stream)
    with quick.transaction(cursor="new"):
        pass
    with pytest.raises(dispatch.LeaseLost), slow.transaction(cursor="old"):
        pass
    slow.finish(RunOutcome.DONE)
    assert fresh(stream).cursor == "new"
    assert fresh(stream).lease_token == quick.token


def test_a_run_knows_the_cursor_it_saved(stream: Stream) -> None:
    """A page's cursor may be the one the run began with: it has to be saved again after another one."""
    change(stream, cursor="a")
    run = started(stream)
    with run.transaction(cursor="b"):
        pass
    assert run.stream.cursor == fresh(stream).cursor == "b"


def test_a_cursor_passed_by_is_saved_by_the_next_write(stream: Stream) -> None:
    change(stream, cursor="a")
    run = started(stream)
    run.pass_by("b")
    assert (run.stream.cursor, fresh(stream).cursor) == ("b", "a")
    with run.transaction():
        pass
    assert fresh(stream).cursor == "b"


def test_a_cursor_passed_by_is_never_put_in_the_place_of_a_later_one(stream: Stream) -> None:
    run = started(stream)
    run.pass_by("b")
    with run.transaction(cursor="c"):
        pass
    run.finish(RunOutcome.DONE)
    assert fresh(stream).cursor == "c"


@pytest.mark.parametrize("outcome", [RunOutcome.DONE, RunOutcome.FAILED])
def test_a_cursor_passed_by_is_saved_when_the_run_ends(stream: Stream, outcome: RunOutcome) -> None:
    run = started(stream)
    run.pass_by("b")
    run.finish(outcome, TransientError("502") if outcome == RunOutcome.FAILED else None)
    assert fresh(stream).cursor == "b"


def test_a_write_that_is_undone_leaves_the_cursor_passed_by_for_the_next_one(stream: Stream) -> None:
    run = started(stream)
    run.pass_by("b")
    with pytest.raises(ZeroDivisionError), run.transaction(cursor="c"):
        raise ZeroDivisionError
    run.finish(RunOutcome.DONE)
    assert fresh(stream).cursor == "b"


def test_reading_again_from_the_start_is_not_undone_by_a_run_that_goes_on(stream: Stream) -> None:
    change(stream, topic="orders", cursor="a")
    run = started(stream)
    run.pass_by("b")
    with company_scope(stream.company_id):
        read_again_from_the_start(stream.connection)
    with pytest.raises(dispatch.LeaseLost), run.transaction(cursor="c"):
        pass
    run.finish(RunOutcome.DONE)
    assert fresh(stream).cursor == ""
    assert [claim.stream_id for claim in dispatch.claim_due()] == [stream.pk]


def test_a_run_that_finds_nothing_leaves_no_row_but_its_outcome(stream: Stream) -> None:
    dispatch.run_stream(started(stream), lambda run: None)
    with company_scope(stream.company_id):
        assert not SyncRun.objects.exists()
    assert fresh(stream).outcomes == "d"
    assert fresh(stream).last_success_at is not None


def test_a_run_begins_with_the_rows_as_the_orm_reads_them(stream: Stream) -> None:
    change_account(stream, settings={"language": "nl"})
    run = started(stream)
    read = fresh(stream)
    for ours, theirs in ((run.stream, read), (run.connection, read.connection)):
        for field in theirs._meta.concrete_fields:
            assert getattr(ours, field.attname) == getattr(theirs, field.attname), field.name
    assert run.stream.connection is run.connection


def test_a_run_that_finds_nothing_costs_two_short_transactions(stream: Stream) -> None:
    (claim,) = dispatch.claim_due()
    with CaptureQueriesContext(database) as queries:
        run = dispatch.start_run(claim.company_id, claim.stream_id, claim.token)
        assert run is not None
        dispatch.run_stream(run, lambda run: None)
    statements = [query["sql"].split()[0] for query in queries]
    assert statements == ["BEGIN", "SELECT", "UPDATE", "COMMIT"] * 2


def fails_with(error: Exception) -> Callable[[dispatch.Run], None]:
    def handler(run: dispatch.Run) -> None:
        raise error

    return handler


def test_a_failed_run_is_written_down_and_slows_the_account(stream: Stream) -> None:
    dispatch.run_stream(started(stream), fails_with(TransientError("no route")))
    with company_scope(stream.company_id):
        run = SyncRun.objects.get()
    account = fresh(stream).connection
    assert (run.outcome, run.error_code, run.error_detail) == ("failed", "connector.transient", "no route")
    assert account.failures == 1
    assert account.not_before > timezone.now() + timedelta(seconds=3)


def test_three_failures_make_an_account_faulty_and_one_success_heals_it(stream: Stream) -> None:
    for _ in range(3):
        change(stream, next_run_at=timezone.now())
        change_account(stream, not_before=timezone.now())
        dispatch.run_stream(started(stream), fails_with(TransientError("down")))
    assert fresh(stream).connection.state == ConnectionState.FAULTY
    change(stream, next_run_at=timezone.now())
    change_account(stream, not_before=timezone.now())
    dispatch.run_stream(started(stream), lambda run: None)
    account = fresh(stream).connection
    assert (account.state, account.failures, account.error_code) == (ConnectionState.WORKING, 0, "")
    assert fresh(stream).outcomes == "fffd"


def test_a_limit_is_kept_and_is_no_failure(stream: Stream) -> None:
    dispatch.run_stream(started(stream), fails_with(RateLimited("slow down", retry_after=60)))
    account = fresh(stream).connection
    assert account.failures == 0
    assert timedelta(seconds=50) < account.not_before - timezone.now() < timedelta(seconds=61)
    assert fresh(stream).outcomes == "l"


def test_a_defect_of_ours_is_written_down_and_frees_the_lease(stream: Stream) -> None:
    dispatch.run_stream(started(stream), fails_with(KeyError("oops")))
    with company_scope(stream.company_id):
        assert SyncRun.objects.get().error_code == "internal"
    assert fresh(stream).lease_until is None


def test_the_dispatcher_hands_each_claim_to_a_task(stream: Stream, settings: Any, monkeypatch: Any) -> None:
    """Through the real broker, where the message can be seen."""
    from channable.celery import app

    with app.connection_for_write() as broker:
        queue = broker.SimpleQueue("sync")
        queue.clear()
        dispatch_due()
        message = queue.get(timeout=5)
        message.ack()
        queue.close()
    arguments = message.payload[0]
    assert arguments[:2] == [stream.company_id, stream.pk]
    assert message.headers["expires"]


def test_nothing_is_handed_out_while_as_many_hints_wait_as_can_be_used_in_time(stream: Stream) -> None:
    """Or else, with everything due at once, workers would be busy with hints alone whose lease is over."""
    from channable.celery import app

    with app.connection_for_write() as broker:
        queue = broker.SimpleQueue("sync")
        queue.clear()
        for _ in range(MOST_WAITING["sync"]):
            queue.put("waits")
        dispatch_due()
        assert fresh(stream).lease_until is None
        queue.get(timeout=5).ack()
        dispatch_due()
        assert fresh(stream).lease_until is not None
        queue.clear()
        queue.close()


@pytest.fixture(autouse=True)
def _own_queues(settings: Any, worker_id: str) -> Iterator[None]:
    """Each test process has queues of its own in the shared broker."""
    from channable.celery import app

    former = app.conf.broker_transport_options
    app.conf.broker_transport_options = {**former, "global_keyprefix": f"{worker_id}:"}
    yield
    app.conf.broker_transport_options = former
