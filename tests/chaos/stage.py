"""What every scenario plays on: servers, a fresh database, pairs of remotes, the product's processes, people."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from channable.dev.postgres import Postgres
from channable.dev.servers import Servers
from channable.dev.valkey import Valkey
from channable.tenants.scope import all_companies
from connections.models import OutboxMessage, OutboxStatus, Stream
from orders.models import Order
from tests.chaos.fleet import Fleet
from tests.chaos.pairs import BolPair, ExamplePair, Pair
from tests.chaos.plan import Plan
from tests.chaos.verdict import Verdict, judge
from tests.chaos.web import Web
from tests.database import make_database
from tests.engine import IN_MOTION
from tests.world import World, build

TEMPLATE, DATABASE, BACKUP = "chaos_template", "chaos", "chaos_backup"
ROUND_SECONDS = 300  # the product's promise, before it is scaled
# Waits are shortened by the scale, but no machine gets faster.
LEAST_PATIENCE_SECONDS = 90
LEAST_DELAY_SECONDS = 30


class Machines:
    """PostgreSQL and Valkey, and what can happen to them."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.postgres = next(one for one in servers.embedded if isinstance(one, Postgres))
        self.valkey = next(one for one in servers.embedded if isinstance(one, Valkey))

    def crash_postgres(self) -> None:
        """As if the power had gone: it recovers from its log when it starts again."""
        self.postgres.stop(modes=("immediate",))
        self.postgres.start()

    def flush_valkey(self) -> None:
        with redis.Redis.from_url(self.valkey.url) as client:
            client.flushall()

    # -- databases --------------------------------------------------------------------------------
    def make_template(self) -> None:
        make_database(TEMPLATE)
        call_command("setup_periodic", verbosity=0)
        every_second, _created = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
        PeriodicTask.objects.update(interval=every_second)  # the ticks are shortened like everything else

    def fresh_database(self) -> None:
        self._copy(TEMPLATE, DATABASE)

    def back_up(self) -> None:
        """A copy of everything; nobody may be connected."""
        self._copy(DATABASE, BACKUP)

    def restore(self) -> None:
        self._copy(BACKUP, DATABASE)

    def _copy(self, source: str, target: str) -> None:
        connection.close()
        with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as server:
            self._wait_for_leavers(server)
            server.execute(f"DROP DATABASE IF EXISTS {target}")
            server.execute(f"CREATE DATABASE {target} TEMPLATE {source} STRATEGY FILE_COPY")
        connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = DATABASE

    @staticmethod
    def _wait_for_leavers(server: psycopg.Connection) -> None:
        """Sessions of killed processes notice a moment later that nobody is there."""
        for _ in range(300):
            query = "SELECT FROM pg_stat_activity WHERE datname LIKE 'chaos%' AND pid <> pg_backend_pid()"
            if server.execute(query).fetchone() is None:
                return
            time.sleep(0.1)

    def environment(self) -> dict[str, str]:
        parts = urlsplit(self.servers.database_url)
        return {
            "DATABASE_URL": urlunsplit(parts._replace(path=f"/{DATABASE}")),
            "REDIS_URL": self.valkey.url,
        }


class Stage:
    """`scale` shortens every wait of the engine, of the remotes and of people alike. `now`: the moment
    at which processes and remotes believe to begin; `skew`: seconds by which a process's clock is wrong."""

    def __init__(
        self,
        machines: Machines,
        folder: Path,
        scenario: str,
        *,
        scale: float,
        pairs: int = 4,
        bol: int = 1,
        bol_pair: type[BolPair] = BolPair,
        seed: int = 1,
        workers: int = 3,
        mutant: str = "",
        start_at: datetime | None = None,
        now: datetime | None = None,
        skew: Mapping[str, float] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.machines, self.scale, self.scenario = machines, scale, scenario
        self.now = now or timezone.now()
        self.start_at = start_at or self.now - timedelta(days=7)
        self.chance = random.Random(seed)
        self.pairs: list[Pair] = [ExamplePair(n) for n in range(pairs - bol)]
        self.pairs += [bol_pair(n) for n in range(pairs - bol, pairs)]
        self.worlds: list[World] = []
        shutil.rmtree(folder, ignore_errors=True)
        self.plan = Plan(folder)
        environment = {
            **(environment or {}),
            "ENGINE_WAIT_SCALE": str(scale),
            "SYNC_INTERVAL_SECONDS": str(self.round),
            "PROCESS_NAME": "chaos",
            "CHAOS_MUTANT": mutant,
            **machines.environment(),
        }
        self.fleet = Fleet(folder, environment, workers=workers)
        if now is not None:
            skew = dict.fromkeys(self.fleet.roles, (now - timezone.now()).total_seconds())
        self.fleet.set_skew(dict(skew or {}))
        self.verdict = Verdict(scenario)
        self.is_packing = True  # in the shops
        self._ended: float | None = None
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    @property
    def round(self) -> int:
        """Seconds between two reads of an account."""
        return max(5, round(ROUND_SECONDS * self.scale))

    def scaled(self, seconds: float) -> float:
        return seconds * self.scale

    # -- life -------------------------------------------------------------------------------------
    def __enter__(self) -> Stage:
        self._began = time.monotonic()
        self.machines.fresh_database()
        self.machines.flush_valkey()
        PeriodicTask.objects.update(last_run_at=self.now)
        for pair in self.pairs:
            pair.start()
            pair.market.chance = pair.shop.chance = self.chance
            self.worlds.append(build(pair.market, pair.shop, start_at=self.start_at, settings=pair.settings))
            pair.set_clocks(self.now)
        self.spread_streams()
        connection.close()
        self.fleet.start()
        self.play(self._work_in_the_shops, every=0.3)
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        self.fleet.kill()
        for pair in self.pairs:
            pair.stop()
        connection.close()
        if self._failures:
            raise self._failures[0]

    def spread_streams(self) -> None:
        with all_companies():  # the scenario's whole database
            for stream in Stream.objects.all():
                stream.period_seconds = self.round
                stream.next_run_at = timezone.now() + timedelta(seconds=self.chance.uniform(0, self.round / 3))
                stream.save(update_fields=["period_seconds", "next_run_at"])

    # -- people -----------------------------------------------------------------------------------
    def play(self, act: Callable[[], Any], *, every: float) -> None:
        """Do something again and again until the scenario is over."""

        def loop() -> None:
            while not self._over.wait(every):
                try:
                    act()
                except BaseException as error:
                    self._failures.append(error)
                    raise

        self._threads.append(threading.Thread(target=loop, daemon=True))
        self._threads[-1].start()

    def _work_in_the_shops(self) -> None:
        for pair in self.pairs:
            if self.is_packing:
                pair.ship_what_arrived()
            pair.look()

    def place(self, count: int, *, over_seconds: float = 0, at: datetime | None = None) -> None:
        """Buyers place so many orders, evenly at all marketplaces; returns when the last one is placed."""
        pause = over_seconds / count
        began = time.monotonic()
        for number in range(count):
            self.pairs[number % len(self.pairs)].place(at)
            if pause:
                time.sleep(max(0.0, began + (number + 1) * pause - time.monotonic()))

    def place_until(self, condition: Callable[[], bool], seconds: float, *, pause: float) -> None:
        """Buyers place orders until something has happened, so that there is something for it to happen to."""
        ends = time.monotonic() + seconds
        while not condition() and time.monotonic() < ends:
            self.place(len(self.pairs), over_seconds=pause * len(self.pairs))

    def buy(self, count: int, *, over_seconds: float) -> threading.Thread:
        """The same, beside whatever else happens."""
        thread = threading.Thread(target=self.place, args=(count,), kwargs={"over_seconds": over_seconds}, daemon=True)
        thread.start()
        return thread

    def calm(self) -> None:
        """The remotes work again."""
        for pair in self.pairs:
            pair.market.heal()
            pair.shop.heal()

    def move_on(self, **delta: float) -> None:
        """Time passes, for the product's processes and the remotes alike."""
        self.fleet.drain()
        for pair in self.pairs:
            pair.set_clocks(pair.market.now() + timedelta(**delta))
        seconds = timedelta(**delta).total_seconds()
        self.fleet.set_skew({role: by + seconds for role, by in self.fleet.skew.items()})
        self.fleet.start()

    @contextmanager
    def web(self) -> Iterator[Web]:
        """The pages, as gunicorn serves them."""
        web = Web(self.fleet)
        try:
            yield web
        finally:
            web.stop()

    # -- the end ----------------------------------------------------------------------------------
    def trouble_is_over(self) -> None:
        self._ended = time.monotonic()
        self.plan.clear()
        self.calm()

    def note_delays(self, pairs: Sequence[Pair] | None = None) -> None:
        """Orders that arrived in their shop later than a round after they were placed were held up."""
        pairs = self.pairs if pairs is None else pairs
        limit = max(self.round + self.scaled(60), LEAST_DELAY_SECONDS) + 3
        self.wait(lambda: all(pair.has_arrived for pair in pairs), 2 * limit)
        never = time.monotonic()
        for pair in pairs:
            for number, placed_at in pair.placed.items():
                took = pair.arrived.get(number, never) - placed_at
                if took > limit:
                    self.verdict.delayed.append(f"{pair.name} {pair.number}, order {number} took {took:.0f} s")

    def finish(self, *, rounds: int = 2, by_hand_allowed: float = 0.0) -> Verdict:
        """Wait until everything is through, or twice as long as it may take; then judge."""
        if self._ended is None:
            self.trouble_is_over()
        patience = max(rounds * self.round, LEAST_PATIENCE_SECONDS)
        self.wait(lambda: all(pair.is_complete for pair in self.pairs), 3 * patience)
        self.wait(self.is_at_rest, 2 * patience)
        self._work_in_the_shops()
        judge(self.verdict, self.pairs, ended=self._ended or 0.0, patience=patience)
        self._note_what_needs_a_person()
        self.verdict.by_hand_allowed = by_hand_allowed
        self.verdict.seconds = time.monotonic() - self._began
        return self.verdict

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if condition():
                return True
            time.sleep(0.2)
        return False

    def is_at_rest(self) -> bool:
        """Nothing is on its way, neither here nor there."""
        if not all(pair.is_quiet for pair in self.pairs):
            return False
        return not self.ask(lambda: OutboxMessage.objects.filter(IN_MOTION).exists())

    def ask(self, question: Callable[[], Any]) -> Any:
        """Look into the product's database, also right after it was gone."""
        for attempt in range(50):
            try:
                with all_companies():  # the scenario's whole database
                    return question()
            except OperationalError:
                connection.close()
                if attempt == 49:
                    raise
                time.sleep(0.2)
        return None

    def _note_what_needs_a_person(self) -> None:
        given_up = [OutboxStatus.DEAD, OutboxStatus.REJECTED]
        messages = self.ask(
            lambda: list(
                OutboxMessage.objects.filter(status__in=given_up).values_list(
                    "reference", "kind", "error_code", "error_detail"
                )
            )
        )
        orders = self.ask(
            lambda: list(Order.objects.exclude(error_code="").values_list("external_id", "error_code", "error_detail"))
        )
        for reference, kind, code, detail in messages:
            self.verdict.by_hand.append(f"{kind} {reference}: {code}, {detail[:200]}")
        if not messages:
            self.verdict.by_hand += [f"order {number}: {code}, {detail[:200]}" for number, code, detail in orders]
