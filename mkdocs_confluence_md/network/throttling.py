"""Rate limit, circuit breaker and retry budget, shared by all requests to a service.

So a dead host is found out once, not once a page; a 429 slows all requests down; and neither a page
nor a build waits forever. Nothing here knows HTTP: `retries.py` sends the requests. The time is a
parameter.

The platform allows a user 1,200 calls a minute (Forge's documented limit). When it answers 429 all
the same, other programs use the account too, and the rate is reduced at once: fewer requests in
flight (`concurrency.py`), and a pause. Both end when answers come again.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NoReturn

from mkdocs_confluence_md.network.concurrency import FIRST_LIMIT, AdaptiveLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mkdocs_confluence_md.network.shared_rate import SharedRate

_MOST_A_MINUTE = 1200
# A little over a minute: requests may travel at different speeds.
_MINUTE_SECONDS = 61.0

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 1.0


class Rate:
    """How often requests may be sent, to all services of a client.

    A minute has no more requests than the platform allows. They may come as fast as a few requests
    in flight bring them; what is in flight besides is sent at an even pace, because how short the
    times are in which the platform counts is not known.

    All times are seconds of one clock, which only has to move forward.

    Args:
        most_a_minute: Requests within any minute.
    """

    def __init__(self, most_a_minute: int = _MOST_A_MINUTE) -> None:
        self._sent: deque[float] = deque(maxlen=most_a_minute)
        self._a_second = most_a_minute / _MINUTE_SECONDS
        self._most_allowance = max(1.0, most_a_minute / 60)
        self._allowance = min(float(FIRST_LIMIT), self._most_allowance)
        self._counted_at: float | None = None

    def delay(self, now: float, *, evenly: bool) -> float:
        """Return in how many seconds a request may be sent.

        Args:
            now: The time.
            evenly: It has to keep to the even pace.
        """
        is_full = len(self._sent) == self._sent.maxlen
        delay = max(0.0, self._sent[0] + _MINUTE_SECONDS - now) if is_full else 0.0
        if evenly and (missing := 1 - self._count_allowance(now)) > 0:
            delay = max(delay, missing / self._a_second)
        return delay

    def send(self, now: float) -> None:
        """Count a request that is being sent."""
        self._sent.append(now)
        self._allowance = max(0.0, self._count_allowance(now) - 1)
        self._counted_at = now

    def _count_allowance(self, now: float) -> float:
        """Return how many requests the even pace allows at once."""
        since = 0.0 if self._counted_at is None else now - self._counted_at
        # What is lost in rounding must not make a request wait again.
        return min(self._most_allowance, self._allowance + since * self._a_second + 1e-6)


class Pace:
    """How many requests to a service may be in flight, and when the next one may be sent.

    All times are seconds of one clock, which only has to move forward.

    Args:
        most_in_flight: A cap of what is in flight.
        rate: What all services share.
        learned: How many were in flight at the end of an earlier build.
    """

    def __init__(
        self, most_in_flight: int, *, rate: Rate | None = None, learned: int | None = None
    ) -> None:
        self._rate = rate or Rate()
        self._limit = AdaptiveLimit(most_in_flight, learned=learned)
        self._in_flight = 0
        self._pauses = 0
        """In a row, without an answer between them."""
        self._paused_until = float("-inf")

    @property
    def limit(self) -> int:
        """How many requests may be in flight at present."""
        return self._limit.limit

    @property
    def threads(self) -> int:
        """How many threads have something to do at present."""
        return self._limit.threads

    @property
    def learned(self) -> int | None:
        """How many should be in flight at the beginning of a next build, if that is known."""
        return self._limit.learned

    def delay(self, now: float) -> float:
        """Return in how many seconds a request may be sent: 0 is now, `inf` is after an answer."""
        if self._in_flight >= self._limit.limit:
            return float("inf")
        rate_allows = self._rate.delay(now, evenly=self._in_flight >= FIRST_LIMIT)
        return max(0.0, rate_allows, self._paused_until - now)

    def send(self, now: float) -> None:
        """Count a request that is being sent."""
        self._rate.send(now)
        self._in_flight += 1
        self._limit.sent(self._in_flight)

    def end(self) -> None:
        """Count a request that is no longer in flight."""
        self._in_flight -= 1

    def answered(self, now: float, *, sent: float) -> None:
        """Count an answer that is not a 429: after enough of them, more may be in flight.

        Args:
            now: The time of the answer.
            sent: When its request was sent.
        """
        self._pauses = 0
        self._limit.answered(now, sent=sent)

    def failed(self, now: float, *, sent: float) -> None:
        """Take note of a 5xx, or of no answer in time: less may be in flight.

        Args:
            now: When that was known.
            sent: When the request was sent.
        """
        self._limit.failed(now, sent=sent)

    def slow_down(self, now: float, *, sent: float, jitter: float = 0.0) -> None:
        """Take note of a 429: halve what may be in flight, and pause.

        Args:
            now: The time of the answer.
            sent: When its request was sent.
            jitter: From 0 to 1: shortens the pause by up to a half, so that several builds do not
                come back at the same time.
        """
        if not self._limit.throttled(now, sent=sent):
            return
        pause = min(_FIRST_PAUSE_SECONDS * 2.0**self._pauses, _LONGEST_PAUSE_SECONDS)
        self._pauses += 1
        self.pause(now, pause * (1 - jitter / 2))

    def pause(self, now: float, seconds: float) -> float:
        """Send nothing for a time; return how many seconds that adds to the pause there was."""
        longer = max(0.0, now + seconds - max(now, self._paused_until))
        self._paused_until = max(self._paused_until, now + seconds)
        return longer

    def find_pause(self, now: float) -> float:
        """Return for how many seconds nothing is sent, because of a 429."""
        return max(0.0, self._paused_until - now)


@dataclass(frozen=True)
class Patience:
    """How long is waited for what, in seconds."""

    connect: float = 5.0
    """For a connection."""
    silence: float = 30.0
    """For the next byte; the platform ends an export's handler after 25 seconds."""
    token: float = 30.0
    """For a token: one that is asked for again uses its refresh token twice."""
    answer: float = 60.0
    """For a whole answer, however slowly it drips."""
    large_answer: float = 300.0
    """For one with files in it."""
    first_wait: float = 0.5
    """Before the second try; then twice as long each time."""
    longest_wait: float = 60.0
    """That a service may ask for. A quota of an hour is an outage."""
    page: float = 90.0
    """From a page's first try to the beginning of its last one."""
    build: float = 120.0
    """That a build may lose if all its connections wait for tries that fail."""


AT_A_TERMINAL = Patience(silence=10.0, answer=10.0, longest_wait=2.0, page=2.0)
"""For a command whose answer somebody is waiting for."""

FOR_A_REPORT = Patience(longest_wait=2.0, page=2.0)
"""For a command that looks at answers: what is slow is as interesting as what is quick."""


class Trouble(Enum):
    """Why a try brought no usable answer."""

    UNREACHABLE = "no connection"
    UNTRUSTED = "no certificate that this machine trusts"
    SILENT = "no answer in time"
    BROKEN = "an answer that broke off"
    UNAVAILABLE = "502, 503 or 504"
    THROTTLED = "429"


_MOST_TRIES = {
    Trouble.UNREACHABLE: 5,
    Trouble.UNTRUSTED: 1,
    Trouble.SILENT: 2,
    Trouble.BROKEN: 5,
    Trouble.UNAVAILABLE: 5,
    # Only time tells when a quota is free again.
    Trouble.THROTTLED: 1000,
}
# It would be the same for any other page. A 504 or a broken answer may be one page's alone.
_CONCERNS_EVERY_PAGE = {Trouble.UNREACHABLE, Trouble.UNTRUSTED, Trouble.THROTTLED}
_MAY_BE_OVERLOAD = {Trouble.SILENT, Trouble.UNAVAILABLE}
# So many pages in a row that were given up are no longer about these pages.
_PAGES_OF_AN_OUTAGE = 3
# As long as all of them take is too long to find out page by page.
_SILENCES_OF_AN_OUTAGE = 3


class BuildOverError(Exception):
    """The build that wanted an answer is over."""


class OutageError(Exception):
    """The service is known to be out.

    Args:
        outcome: What became of the try that showed it: the same holds for every other request.
    """

    def __init__(self, outcome: object) -> None:
        super().__init__()
        self.outcome = outcome


class Build:
    """What a build has lost so far, and whether anybody still waits for it.

    What one request loses is divided by how many may be in flight.
    """

    def __init__(self) -> None:
        self.lost_seconds = 0.0
        self.is_over = False


class Request:
    """The tries of one request.

    Args:
        build: For which it is.
        now: When it is made.
        is_about_page: What it meets may concern one page only.
    """

    def __init__(self, build: Build, now: float, *, is_about_page: bool = True) -> None:
        self.build = build
        self.is_about_page = is_about_page
        self.first_try = now
        """When the first try was sent; before that, when the request was made."""
        self.tries = 0
        self.sent = now
        """When the last try was sent."""


class Service:
    """A service as all its requests know it. Safe to use from many threads.

    Args:
        pace: How fast requests may be sent.
        patience: How long is waited for what.
        connections: How many requests can lose time at once, at least, while all is well.
        clock: Returns seconds; it only has to move forward.
        lock: What services with the same `Rate` share.
        shared_rate: What other machines share, too, for requests about pages.
    """

    def __init__(  # noqa: PLR0913  it has that many settings
        self,
        pace: Pace,
        patience: Patience,
        connections: int,
        clock: Callable[[], float],
        lock: threading.RLock,
        *,
        shared_rate: SharedRate | None = None,
    ) -> None:
        self._shared_rate = shared_rate
        self._asking = threading.Lock()
        """Held by the thread that waits until other machines have sent less."""
        self._pace = pace
        self._patience = patience
        self._connections = connections
        self._clock = clock
        self._turn_comes = threading.Condition(lock)
        self._rest_ends = threading.Condition(lock)
        self._lock = lock
        self._is_timed = False
        """Whether a request waits for its turn by the clock: the next one wakes the one after."""
        self._outage: OutageError | None = None
        self._was_out = False
        """Whether an earlier build found an outage, and nothing was heard since."""
        self._last_answer = float("-inf")
        self._given_up = 0
        """Requests in a row."""
        self._silences = 0
        """Tries without an answer in time, in a row."""

    @contextmanager
    def turn(self, request: Request) -> Iterator[None]:
        """Wait until a try may be sent, and count it as in flight.

        Raises:
            BuildOverError: The build has ended.
            OutageError: The circuit breaker is open.
        """
        with self._lock:
            self._wait_for_turn(request)
            now = self._clock()
            self._pace.send(now)
            if not self._is_timed and self._pace.delay(now) < float("inf"):
                self._turn_comes.notify()
        try:
            if self._shared_rate and request.is_about_page:
                self._wait_for_others(self._shared_rate, request)
            request.sent = self._clock()
            if request.tries == 0:
                request.first_try = request.sent
            request.tries += 1
            yield
        finally:
            with self._lock:
                self._pace.end()
                # One may be sent in its place; that one wakes another if the limit has grown.
                self._turn_comes.notify()

    def rest(self, request: Request, seconds: float) -> None:
        """Wait before another try.

        Raises:
            BuildOverError: The build has ended.
            OutageError: The circuit breaker is open.
        """
        with self._lock:
            request.build.lost_seconds += self._share(seconds)
            self._wait_until(self._clock() + seconds, request)

    @property
    def threads(self) -> int:
        """How many threads have something to do at present."""
        with self._lock:
            return self._pace.threads

    @property
    def learned(self) -> int | None:
        """How many requests should be in flight at the beginning of a next build, if known."""
        with self._lock:
            return self._pace.learned

    def answered(self, request: Request) -> None:
        """Take note of a usable answer: the service is up."""
        with self._lock:
            self._last_answer = self._clock()
            self._pace.answered(self._last_answer, sent=request.sent)
            self._given_up = 0
            self._silences = 0
            self._was_out = False

    def failed(
        self, request: Request, trouble: Trouble, *, asked_to_wait: float, outcome: object
    ) -> bool:
        """Note a try that failed, and return True if another one is worth its time.

        Args:
            request: Whose last try it was.
            trouble: Why it failed.
            asked_to_wait: For how many seconds the service asks; 0 if it says nothing.
            outcome: What an `OutageError` will bring, if this turns out to be an outage.
        """
        with self._lock:
            now = self._clock()
            if trouble is Trouble.THROTTLED:
                jitter = random.random()  # noqa: S311  not a secret
                self._pace.slow_down(now, sent=request.sent, jitter=jitter)
                if asked_to_wait <= self._patience.longest_wait:
                    # Everybody waits, so the build loses all of that time.
                    request.build.lost_seconds += self._pace.pause(now, asked_to_wait)
            if trouble in _MAY_BE_OVERLOAD:
                self._pace.failed(now, sent=request.sent)
            if trouble is Trouble.SILENT:
                self._silences += 1
            request.build.lost_seconds += self._share(now - request.sent)
            if self._is_worth_a_try(request, trouble, now, asked_to_wait):
                return True
            if self._is_out(request, trouble):
                self._outage = OutageError(outcome)
                self._wake_all()
            return False

    def share_pause(self) -> None:
        """Let other machines pause as this one does after a 429."""
        if self._shared_rate:
            with self._lock:
                seconds = self._pace.find_pause(self._clock())
            self._shared_rate.pause(seconds)

    def begin_build(self) -> None:
        """Look anew, but without patience for an outage that is still there."""
        with self._lock:
            self._was_out = self._was_out or self._outage is not None
            self._outage = None
            self._given_up = 0
            self._wake_all()

    def _is_worth_a_try(
        self, request: Request, trouble: Trouble, now: float, asked_to_wait: float
    ) -> bool:
        return (
            self._outage is None
            and not self._was_out
            and request.tries < _MOST_TRIES[trouble]
            and self._silences < _SILENCES_OF_AN_OUTAGE
            and asked_to_wait <= self._patience.longest_wait
            and now + asked_to_wait - request.first_try <= self._patience.page
            and request.build.lost_seconds <= self._patience.build
        )

    def _is_out(self, request: Request, trouble: Trouble) -> bool:
        """Count a request that is given up, and return True if the cause is not this request."""
        self._given_up += 1
        nothing_heard = self._last_answer < request.first_try
        concerns_all = (
            not request.is_about_page
            or trouble in _CONCERNS_EVERY_PAGE
            or self._silences >= _SILENCES_OF_AN_OUTAGE
            or self._was_out
            or self._given_up >= _PAGES_OF_AN_OUTAGE
        )
        too_much_lost = request.build.lost_seconds > self._patience.build
        return too_much_lost or (nothing_heard and concerns_all)

    def _share(self, seconds: float) -> float:
        """Return what a build loses if one of its requests loses time."""
        return seconds / max(self._pace.limit, min(self._connections, FIRST_LIMIT))

    def _wake_all(self) -> None:
        self._turn_comes.notify_all()
        self._rest_ends.notify_all()

    def _wait_for_turn(self, request: Request) -> None:
        """Wait until a request may be sent.

        One thread waits by the clock, and all others for a notice: if they all woke for each
        request, a thread that renders would be interrupted thousands of times.
        """
        while not self._is_hopeless(request):
            seconds = self._pace.delay(self._clock())
            if seconds <= 0:
                return
            if self._is_timed or seconds == float("inf"):
                self._turn_comes.wait()
                continue
            self._is_timed = True
            try:
                self._turn_comes.wait(seconds)
            finally:
                self._is_timed = False
        # It may have been the one that waits by the clock, for those of another build, too.
        self._turn_comes.notify()
        self._raise_end(request)

    def _wait_for_others(self, shared_rate: SharedRate, request: Request) -> None:
        """Wait until all machines together may send one more request."""
        # At once for many threads: a server may be far away, and one after the other they would
        # wait for each other's answers.
        if not shared_rate.count():
            return
        # While nothing more may be sent, one thread asks: the others would get the same answer.
        with self._asking:
            while seconds := shared_rate.count():
                with self._lock:
                    self._wait_until(self._clock() + seconds, request)

    def _wait_until(self, moment: float, request: Request) -> None:
        while not self._is_hopeless(request):
            seconds = moment - self._clock()
            if seconds <= 0:
                return
            self._rest_ends.wait(seconds)
        self._raise_end(request)

    def _is_hopeless(self, request: Request) -> bool:
        return request.build.is_over or self._outage is not None

    def _raise_end(self, request: Request) -> NoReturn:
        if request.build.is_over or self._outage is None:
            raise BuildOverError
        raise OutageError(self._outage.outcome)


class Traffic:
    """The requests of one client, by service.

    Args:
        connections: How many requests may be in flight at once, at most.
        patience: How long is waited for what.
        clock: Returns seconds; it only has to move forward.
        learned: How many were in flight at the end of an earlier build, by service.
        shared_rate: What other machines share, too.
    """

    def __init__(
        self,
        connections: int,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
        *,
        learned: Mapping[str, int] | None = None,
        shared_rate: SharedRate | None = None,
    ) -> None:
        self._shared_rate = shared_rate
        self.connections = connections
        self.patience = patience
        self.clock = clock
        self._lock = threading.RLock()
        self._build = Build()
        self._rate = Rate()
        self._learned = learned or {}
        self._services: dict[str, Service] = {}

    def service(self, name: str, *, most: int | None = None) -> Service:
        """Return the service of a name, always the same one.

        Args:
            name: Of the service.
            most: How many requests may be in flight to it, if it is fewer than to others.
        """
        with self._lock:
            if name not in self._services:
                connections = min(most or self.connections, self.connections)
                pace = Pace(connections, rate=self._rate, learned=self._learned.get(name))
                self._services[name] = Service(
                    pace,
                    self.patience,
                    connections,
                    self.clock,
                    self._lock,
                    shared_rate=self._shared_rate,
                )
            return self._services[name]

    def count_threads(self) -> int:
        """Return how many threads have something to do, for the service that allows most."""
        with self._lock:
            found = [service.threads for service in self._services.values()]
        return max(found, default=FIRST_LIMIT)

    def find_learned(self) -> dict[str, int]:
        """Return how many requests should be in flight in a next build, by service."""
        with self._lock:
            found = {name: service.learned for name, service in self._services.items()}
        return {name: limit for name, limit in found.items() if limit is not None}

    def make_request(self, *, is_about_page: bool = True) -> Request:
        """Begin to count the tries of a request."""
        return Request(self._build, self.clock(), is_about_page=is_about_page)

    def begin_build(self) -> None:
        """Cancel the requests of the last build, and reset the circuit breakers."""
        with self._lock:
            self._build.is_over = True
            self._build = Build()
            for service in self._services.values():
                service.begin_build()
