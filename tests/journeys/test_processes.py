"""Real processes: workers and dispatchers beside each other, and killed at the worst moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.db import transaction

from channable.tenants.scope import all_companies
from connections.models import OutboxMessage, Stream
from tests import engine
from tests.journeys.processes import Started, purge, running
from tests.simulators.base import Fault, wait_until
from tests.world import World

PATIENCE = 60.0  # seconds: starting Python processes on a busy machine takes a while


@pytest.fixture
def engine_on(transactional_db: None, worker_id: str) -> Iterator[Callable[..., Any]]:
    """Start processes of the product on this test's database and queues."""
    purge(worker_id)
    call_command("setup_periodic", verbosity=0)

    def start(*names: str) -> Any:
        return running(*names, worker_id=worker_id)

    yield start
    purge(worker_id)


def in_shop(world: World) -> int:
    return sum(bool(order.shop_order_id) for order in world.orders)


def references(world: World) -> list[str]:
    return [effect.reference for effect in world.shop.effects("create_order")]


def poll_often() -> None:
    with all_companies():  # the test's whole database
        Stream.objects.update(period_seconds=2)


def test_the_processes_cannot_pass_the_wall_between_companies(engine_on: Any, worker_id: str, world: World) -> None:
    """Web, worker and beat as `make run` starts them, seen from the database's side."""
    from tests.journeys.processes import environment

    port = environment("web", worker_id)["PORT"]

    def roles() -> dict[str, str]:
        _ask(f"http://127.0.0.1:{port}/health/ready")
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT application_name, usename FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name IN ('web', 'worker', 'beat')"
            )
            return dict(cursor.fetchall())

    with engine_on("web", "worker", "beat"):
        wait_until(lambda: set(roles()) == {"web", "worker", "beat"}, PATIENCE, "a process has not come up")
        assert set(roles().values()) == {"channable_app"}
    with database.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'channable_app'")
        assert cursor.fetchone() == (False, False)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = 'channable_app'::regrole")
        assert cursor.fetchone() == (0,)


def test_a_scheduler_ends_in_the_midst_of_a_query(engine_on: Any) -> None:
    with engine_on("beat") as (beat,):
        wait_until(lambda: _ticked(beat), PATIENCE, "the scheduler sent nothing")
        with transaction.atomic(), database.cursor() as cursor:
            cursor.execute("LOCK TABLE django_celery_beat_periodictasks")
            wait_until(lambda: _is_waiting("beat"), PATIENCE, "the scheduler never looked whether its schedule changed")
            beat.process.terminate()
            assert beat.process.wait(PATIENCE) == 0


def _ticked(beat: Started) -> bool:
    """It has sent more than its first task, after which it saves the schedule: there is something to save again."""
    import redis

    with redis.Redis.from_url(beat.redis_url) as client:
        return client.llen("default") > 2


def _is_waiting(name: str) -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'", [name])
        return cursor.fetchone() is not None


def _ask(url: str) -> None:
    import contextlib
    import urllib.error
    import urllib.request

    with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310
        pass


def test_two_workers_and_two_dispatchers_do_everything_once(engine_on: Any, world: World) -> None:
    numbers = [world.market.add_order() for _ in range(30)]
    poll_often()
    with engine_on("worker", "worker-2", "beat", "beat-2"):
        wait_until(lambda: in_shop(world) == len(numbers), PATIENCE, f"{in_shop(world)} of {len(numbers)} arrived")
        for order in world.orders:
            world.shop.ship(order.shop_order_id, f"3SABCD{order.pk:08d}", "PostNL")
        wait_until(
            lambda: all(order.status == "shipped" for order in world.orders), PATIENCE, "not everything was shipped"
        )
    assert sorted(references(world)) == sorted({order.reference for order in world.orders})
    assert sorted(effect.subject for effect in world.market.effects("ship")) == sorted(numbers)


def test_a_worker_killed_between_the_call_and_its_answer_loses_and_doubles_nothing(
    engine_on: Any, world: World, worker_id: str
) -> None:
    numbers = [world.market.add_order() for _ in range(3)]
    poll_often()
    world.shop.fail("POST .*/orders", Fault.HANG_AFTER, seconds=120)
    with engine_on("beat", "worker") as (_beat, worker):
        wait_until(lambda: references(world), PATIENCE, "the shop was never asked")
        worker.kill()
        with all_companies():  # the test's whole database
            assert OutboxMessage.objects.filter(status="sending").count() == 1
        second = Started("worker-2", worker_id)
        try:
            engine.hurry()  # as if the call's deadline and the leases had run out
            wait_until(lambda: _settled(numbers, world), PATIENCE, "not everything was created")
        finally:
            second.kill()
    assert sorted(references(world)) == sorted(order.reference for order in world.orders)
    assert len(references(world)) == len(numbers)


def _settled(numbers: list[str], world: World) -> bool:
    engine.hurry()
    return in_shop(world) == len(numbers)
