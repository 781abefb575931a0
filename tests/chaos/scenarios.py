"""What is done to the product, each with the size it has in full and in the slice of `make test`."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from zoneinfo import ZoneInfo

from django.utils import timezone

from connections.models import Heartbeat
from tests.chaos.pairs import ChangingPair, ReturningPair
from tests.chaos.plan import KILL, LATER_MOMENTS, MOMENTS, RETURN_MOMENTS, STOP, Taken
from tests.chaos.poison import WAYS
from tests.chaos.stage import Machines, Stage
from tests.chaos.verdict import Verdict
from tests.simulators.base import Fault

# A write that was executed and whose answer never came: what is left of it.
CUTS = [Fault.RESET_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.GATEWAY_TIMEOUT_AFTER, Fault.TRUNCATED, Fault.HTML_200]
WRITES = r"^POST .*/(orders|shipments)$"
LATER_WRITES = r"^(PUT .*/cancellation|POST .*/notes)$"
RETURN_WRITES = r"^(PUT .*/returns/|POST .*/refunds)"

# An hour before clocks are changed in Amsterdam.
AUTUMN = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
SPRING = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)


def offset_of(moment: datetime) -> timedelta:
    """Amsterdam's from UTC."""
    return moment.astimezone(ZoneInfo("Europe/Amsterdam")).utcoffset() or timedelta()


@dataclass(frozen=True)
class Setting:
    """How big, how long. `scale` shortens all waits alike (see connections/waits.py)."""

    machines: Machines
    folder: Path
    is_slice: bool
    seed: int = 1
    mutant: str = ""

    def size(self, full: int, in_slice: int) -> int:
        return in_slice if self.is_slice else full

    def stage(self, scenario: str, **options: object) -> Stage:
        scale = 0.05 if self.is_slice else 0.2
        values = {"scale": scale, "seed": self.seed, "mutant": self.mutant, **options}
        return Stage(self.machines, self.folder / scenario, scenario, **values)  # type: ignore[arg-type]


def kills(setting: Setting) -> Verdict:
    """SIGKILL at every named moment and at random ones, while orders come and go."""
    orders, deaths = setting.size(10_000, 1000), setting.size(500, 60)
    seconds = setting.size(1500, 60)
    with setting.stage("kills", pairs=setting.size(12, 6), bol=setting.size(3, 2)) as stage:
        cut_now_and_then(stage, WRITES, share=0.05)
        buyers = stage.buy(orders, over_seconds=seconds * 0.9)
        kill_at(stage, MOMENTS, buyers, deaths, seconds)
        return stage.finish()


def changes(setting: Setting) -> Verdict:
    """SIGKILL at every named moment of cancelling and of telling the shop, and at random ones."""
    orders, deaths = setting.size(900, 90), setting.size(90, 30)
    seconds = setting.size(300, 50)
    pairs = setting.size(6, 3)
    with setting.stage("changes", pairs=pairs, bol=pairs, bol_pair=ChangingPair) as stage:
        cut_now_and_then(stage, LATER_WRITES, share=0.3)
        buyers = stage.buy(orders, over_seconds=seconds * 0.9)
        kill_at(stage, LATER_MOMENTS, buyers, deaths, seconds, at_once=8)
        # The request is read, the shop is told, the parcel is read: a round more, and another where answers were cut.
        verdict = stage.finish(rounds=4)
        verdict.other += [f"{pair.name} {pair.number}: {one}" for pair in stage.pairs for one in pair.complaints()]
        return verdict


def returns(setting: Setting) -> Verdict:
    """SIGKILL at every named moment of a return and of its refund in the shop, and at random ones."""
    orders, deaths = setting.size(450, 60), setting.size(60, 24)
    seconds, pairs = setting.size(300, 50), setting.size(4, 2)
    with setting.stage("returns", pairs=pairs, bol=pairs, bol_pair=ReturningPair) as stage:
        cut_now_and_then(stage, RETURN_WRITES, share=0.3)
        buyers = stage.buy(orders, over_seconds=seconds * 0.9)
        kill_at(stage, RETURN_MOMENTS, buyers, deaths, seconds, at_once=8)
        # Back to the marketplace, the return from there, the shop told, its refund read, the decision told.
        verdict = stage.finish(rounds=6)
        verdict.other += [f"{pair.name} {pair.number}: {one}" for pair in stage.pairs for one in pair.complaints()]
        return verdict


def kill_at(
    stage: Stage, moments: Sequence[str], buyers: Thread, deaths: int, seconds: float, *, at_once: int = 3
) -> None:
    """So many deaths, in turns at the next of these moments and at random, while buyers go on buying. Some moments
    are rare: `at_once` may be waited for beside each other."""
    planned = at_random = 0
    ends = time.monotonic() + 2 * seconds
    while (named := len(stage.plan.taken())) + at_random < deaths and time.monotonic() < ends:
        if planned <= at_random + at_once - 3 and planned < named + at_once:
            stage.plan.add(moments[planned % len(moments)])
            planned += 1
        elif at_random <= named:
            at_random += stage.fleet.kill_one(stage.chance)
        if not buyers.is_alive():
            stage.place(1)  # so that there is something to die over
        time.sleep(seconds / deaths)
    buyers.join()
    at_moments = {one.moment for one in stage.plan.taken()}
    stage.trouble_is_over()
    stage.verdict.facts |= {"kills": named + at_random, "at named moments": named}
    if named + at_random < deaths:
        stage.verdict.other.append(f"only {named + at_random} of {deaths} died")
    if missed := sorted(set(moments) - at_moments):
        stage.verdict.other.append(f"nobody died at {', '.join(missed)}")


def cut_now_and_then(stage: Stage, writes: str, *, share: float) -> None:
    """A few cut answers, so that look-ups happen during which something can die."""
    for pair in stage.pairs:
        for remote in (pair.market, pair.shop):
            remote.fail_often(writes, CUTS, share=share)


def cuts(setting: Setting) -> Verdict:
    """A fifth of all writes is executed, and then nobody learns of it; some only after we gave up."""
    writes = setting.size(5000, 500)
    scale = 0.08 if setting.is_slice else 0.2
    with setting.stage("cuts", pairs=setting.size(16, 8), bol=setting.size(4, 2), scale=scale) as stage:
        for pair in stage.pairs:
            for remote in (pair.market, pair.shop):
                remote.list_lag = timedelta(seconds=stage.scaled(20))
                remote.execute_late(WRITES, share=0.04, seconds=stage.scaled(60))
                remote.fail_often(WRITES, [Fault.HANG_AFTER], share=0.02, seconds=stage.scaled(70))
                remote.fail_often(WRITES, CUTS, share=0.15)
        stage.place(writes // 2, over_seconds=setting.size(300, 10))
        stage.wait(lambda: all(pair.is_complete for pair in stage.pairs), 12 * stage.round)
        met = sum(
            (pair.market.faults + pair.shop.faults for pair in stage.pairs),
            start=stage.pairs[0].market.faults.__class__(),
        )
        stage.verdict.facts |= {"writes cut": met.total(), **met}
        return stage.finish(rounds=3, by_hand_allowed=0.01)


def twice(setting: Setting) -> Verdict:
    """Every task is delivered twice, in any order."""
    with setting.stage("twice", pairs=6, bol=2, environment={"CHAOS_TWICE": "1"}) as stage:
        stage.place(setting.size(1000, 60), over_seconds=setting.size(120, 5))
        return stage.finish()


def broker(setting: Setting) -> Verdict:
    """Valkey is flushed again and again, and then gone for ten minutes."""
    flushes = setting.size(20, 6)
    with setting.stage("broker", pairs=6, bol=2) as stage:
        buyers = stage.buy(setting.size(600, 60), over_seconds=setting.size(90, 10))
        for _ in range(flushes):
            time.sleep(setting.size(90, 10) / flushes)
            stage.machines.flush_valkey()
        stage.machines.valkey.stop()
        time.sleep(stage.scaled(600) if not setting.is_slice else 10)
        buyers.join()
        stage.machines.valkey.start()
        stage.verdict.facts |= {"flushes": flushes}
        return stage.finish()


def database(setting: Setting) -> Verdict:
    """PostgreSQL crashes again and again."""
    crashes = setting.size(20, 3)
    with setting.stage("database", pairs=6, bol=2) as stage:
        buyers = stage.buy(setting.size(600, 60), over_seconds=setting.size(100, 10))
        for _ in range(crashes):
            time.sleep(setting.size(100, 10) / crashes)
            stage.machines.crash_postgres()
        buyers.join()
        stage.verdict.facts |= {"crashes": crashes}
        return stage.finish()


def frozen(setting: Setting) -> Verdict:
    """A process stands still (a paused machine) at the worst moment, others take over, it goes on."""
    moments = ["sender.taken:create_order", "sender.taken:confirm_shipment", "sender.called:create_order",
               "run.started:orders", "run.written:orders", "follow_up.taken"]  # fmt: skip
    waves, pause = setting.size(3, 1), 0.2 if setting.is_slice else 1.0
    with setting.stage("frozen", pairs=4, bol=1, workers=len(moments) + 2) as stage:
        for pair in stage.pairs:
            pair.shop.list_lag = pair.market.list_lag = timedelta(seconds=stage.scaled(20))
        away = Away(stage)
        stage.play(away.look, every=0.05)
        for wave in range(1, waves + 1):
            for moment in moments:
                stage.plan.add(moment, STOP)
            # Those that are left must reach the last moment beside those that stand still.
            stage.place_until(lambda: len(away.back) == wave * len(moments), 300, pause=pause)  # noqa: B023
            if len(away.back) < wave * len(moments):
                stage.verdict.other.append(f"of {wave * len(moments)} only {len(away.back)} were frozen and came back")
        stage.verdict.facts |= {"frozen": len(away.back)}
        return stage.finish()


class Away:
    """Each goes on once its lease, its call and the remote's own time are long over."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.since: dict[Taken, float] = {}
        self.back: set[Taken] = set()

    def look(self) -> None:
        for one in self.stage.plan.taken(STOP):
            since = self.since.setdefault(one, time.monotonic())
            if one not in self.back and time.monotonic() > since + self.stage.scaled(250):
                self.back.add(one)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one.pid, signal.SIGCONT)


def backlog(setting: Setting) -> Verdict:
    """Months of orders are read page by page, and the reader dies before each page is committed."""
    orders = setting.size(1000, 130)
    pages = -(-orders // 100)
    start_at = timezone.now() - timedelta(days=60)
    with setting.stage("backlog", pairs=1, bol=0, start_at=start_at, workers=2) as stage:
        (pair,) = stage.pairs
        stage.place(1, at=start_at)
        stage.wait(lambda: pair.is_complete, 3 * stage.round)  # so that each run from now on begins with a page
        stage.fleet.kill()
        for number in range(orders):
            pair.place(start_at + timedelta(hours=1 + number))
        stage.plan.add("run.writing:orders")
        stage.fleet.start()
        for page in range(1, pages + 1):
            stage.wait(lambda: len(stage.plan.taken(KILL)) >= page, 3 * stage.round)  # noqa: B023
            if page < pages:
                stage.plan.add("run.writing:orders")
        stage.verdict.facts |= {"kills": len(stage.plan.taken(KILL))}
        return stage.finish(rounds=4)


def restored(setting: Setting) -> Verdict:
    """The database is as it was an hour ago; the remotes are not: some orders that it doesn't know
    were created and shipped, others only created."""
    third = setting.size(200, 20)
    scale = 0.03 if setting.is_slice else 0.2
    with setting.stage("restored", pairs=setting.size(6, 4), bol=1, scale=scale) as stage:
        stage.place(third)
        stage.wait(lambda: all(pair.is_complete for pair in stage.pairs), 3 * stage.round)
        stage.fleet.kill()
        stage.machines.back_up()
        stage.fleet.start()
        stage.place(third)
        stage.wait(lambda: all(pair.is_complete for pair in stage.pairs), 3 * stage.round)
        stage.is_packing = False
        stage.place(third)
        stage.wait(lambda: all(pair.has_arrived for pair in stage.pairs), 3 * stage.round)
        stage.fleet.kill()
        stage.machines.restore()
        stage.ask(lambda: Heartbeat.objects.update(beat_at=timezone.now() - timedelta(hours=1)))
        _shuffle(stage)
        time.sleep(stage.scaled(600))  # orders younger than this count as never sent: see docs/operations.md
        stage.spread_streams()
        stage.fleet.start()
        stage.is_packing = True
        stage.place(third)
        stage.trouble_is_over()
        return stage.finish()


def _shuffle(stage: Stage) -> None:
    """Meanwhile something changed about the orders, so they are read in another order than before."""
    for pair in stage.pairs[:-1]:
        numbers = list(pair.placed)
        stage.chance.shuffle(numbers)
        for number in numbers:
            pair.market.touch(number)


def poison(setting: Setting) -> Verdict:
    """One order in a hundred cannot be read, in every way we could think of."""
    orders = setting.size(3000, 90)
    broken = max(orders // 100, len(WAYS))
    with setting.stage("poison", pairs=setting.size(12, 6), bol=1) as stage, stage.web() as web:
        examples = stage.pairs[:-1]
        buyers = stage.buy(orders, over_seconds=setting.size(480, 15))
        for number in range(broken):
            market = examples[number % len(examples)].market
            market.poison(market.add_order(), WAYS[number % len(WAYS)])
            time.sleep(setting.size(440, 12) / broken)
        buyers.join()
        stage.note_delays()
        expected = Counter(number % len(examples) for number in range(broken))
        for index, world in enumerate(stage.worlds[:-1]):
            told = web.unreadable(world)
            if told != expected[index]:
                stage.verdict.other.append(f"{told} of {expected[index]} broken orders are on the page")
        stage.verdict.facts |= {"broken": broken, "ways": len(WAYS)}
        return stage.finish()


def slow(setting: Setting) -> Verdict:
    """A shop and a marketplace take half a minute for each answer; the others don't notice."""
    with setting.stage("slow", pairs=8, bol=1) as stage:
        laggards = [stage.pairs[0].market, stage.pairs[1].shop]
        for remote in laggards:
            remote.pause = stage.scaled(30)
        for pair in stage.pairs[:2]:
            for _ in range(setting.size(10, 4)):
                pair.place()
        others = stage.pairs[2:]
        orders = setting.size(600, 60)
        for number in range(orders):
            others[number % len(others)].place()
            time.sleep(setting.size(120, 12) / orders)
        stage.note_delays(others)
        for remote in laggards:
            remote.pause = 0.0
        return stage.finish()


def storm(setting: Setting) -> Verdict:
    """Every remote answers 429 to everything, again and again."""
    storms = setting.size(6, 2)
    with setting.stage("storm", pairs=6, bol=2) as stage:
        remotes = [remote for pair in stage.pairs for remote in (pair.market, pair.shop)]
        buyers = stage.buy(setting.size(600, 50), over_seconds=storms * (stage.round / 2 + 8))
        for _ in range(storms):
            before = [len(remote.arrivals) for remote in remotes]
            for remote in remotes:
                remote.fail_often(".*", [Fault.RATE_LIMIT], share=1.0)
            time.sleep(8)  # a second longer than the Retry-After they send
            asked = [len(remote.arrivals) - count for remote, count in zip(remotes, before, strict=True)]
            stage.calm()
            # One call of each kind may be under way when it begins, and one follows when the wait is over.
            if max(asked) > 8:
                stage.verdict.other.append(f"a remote was asked {max(asked)} times during 8 seconds of 429")
            time.sleep(stage.round / 2)
        buyers.join()
        stage.verdict.facts |= {"storms": storms}
        return stage.finish()


def clocks(setting: Setting) -> Verdict:
    """Clocks of processes and remotes are ten minutes wrong, either way."""
    wrong = {"worker-0": 600.0, "worker-1": -600.0, "beat-0": 600.0, "beat-1": -600.0}
    with setting.stage("clocks", pairs=6, bol=2, skew=wrong) as stage:
        for number, pair in enumerate(stage.pairs):
            for remote, minutes in ((pair.market, (-10, 0, 10)), (pair.shop, (10, -10, 0))):
                remote.set_clock(remote.now() + timedelta(minutes=minutes[number % 3]))
        stage.place(setting.size(300, 48), over_seconds=setting.size(90, 8))
        return stage.finish()


def nights(setting: Setting) -> Verdict:
    """The two nights in which clocks are changed, seen from within."""
    verdict = Verdict("nights")
    for night in (AUTUMN, SPRING):
        _one_night(setting, night, verdict)
    return verdict


def _one_night(setting: Setting, night: datetime, verdict: Verdict) -> None:
    with setting.stage("nights", pairs=2, bol=1, now=night, environment={"TZ": "Europe/Amsterdam"}) as stage:
        abroad = stage.pairs[1].shop  # it tells its own local time
        abroad.utc_offset = offset_of(night)
        stage.place(setting.size(100, 12), over_seconds=setting.size(20, 3))
        steps = setting.size(3, 1)
        for _ in range(steps):  # from an hour before the change to an hour after it
            stage.move_on(minutes=120 / steps)
            abroad.utc_offset = offset_of(abroad.now())
            stage.place(setting.size(100, 12), over_seconds=setting.size(20, 3))
        verdict.add(stage.finish())


def drained(setting: Setting) -> Verdict:
    """A new version is rolled out: SIGTERM while remotes take their time."""
    scale = 0.05 if setting.is_slice else 0.5
    with setting.stage("drained", pairs=4, bol=1, scale=scale) as stage:
        for pair in stage.pairs[:2]:
            pair.shop.pause = stage.scaled(55)
        buyers = stage.buy(setting.size(200, 48), over_seconds=10)
        took = []
        for _ in range(2):
            time.sleep(5)
            took.append(stage.fleet.drain())
            stage.fleet.start()
        buyers.join()
        for pair in stage.pairs:
            pair.shop.pause = 0.0
        stage.verdict.facts |= {"drained in": ", ".join(f"{seconds:.1f} s" for seconds in took)}
        if max(took) > 25:
            stage.verdict.other.append(f"took {max(took):.0f} s to end")
        return stage.finish()
