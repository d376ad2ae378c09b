"""How one source stands: what is counted, shown, logged and told of its runs."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from meterhouse.metering.clock import Clock
from meterhouse.metering.errors import BadReading
from meterhouse.sources import Configured, Reading
from meterhouse.sources.runner.errors import describe
from meterhouse.sources.runner.records import Outcome, Run, SourceState, Status

OnRun = Callable[[Run], None]
MOST_REASONS = 20  # of one source, for refusing numbers; what more there are is counted as one
OTHER = "another reason"

log = logging.getLogger(__name__)


class Standing:
    """Kept by whoever runs the source, who says ``begin`` and then ``good`` or ``failed``."""

    def __init__(self, configured: Configured, clock: Clock, on_run: OnRun) -> None:
        self.status = Status.STARTING if configured.enabled else Status.DISABLED
        self.next_run: datetime | None = None
        self.reopenings = 0
        self._configured, self._clock, self._on_run = configured, clock, on_run
        self._began: datetime | None = None  # the run that is under way, or else the last one
        self._last_good: datetime | None = None
        self._error = ""
        self._samples = self._bad = self._failures = self._lost = 0
        self._refused: Counter[str] = Counter()
        self._blocked = 0

    def state(self) -> SourceState:
        return SourceState(
            name=self._configured.name,
            kind=self._configured.kind.name,
            status=self.status,
            last_run=self._began,
            last_good=self._last_good,
            next_run=self.next_run,
            error=self._error,
            samples=self._samples,
            bad_readings=self._bad,
            reopenings=self.reopenings,
            failures=self._failures,
            lost=self._lost,
            refused=dict(self._refused),
            blocked=self._blocked,
        )

    def begin(self) -> None:
        self._began, self.next_run = self._clock.now(), None

    def good(self, reading: Reading) -> Run:
        """Count a reading; what it lacks makes the source partly good."""
        was = self.status
        if was in {Status.FAILING, Status.STUCK}:
            log.warning("source is back", extra=self._extra())
        self.status, self._error = Status.GOOD, ""
        if reading.lacking:
            self._lack(reading.lacking, was)
        self._samples += len(reading.samples)
        self._last_good = self._clock.now()
        objects = sum(len(snapshot.objects) for snapshot in reading.snapshots)
        refused = self.refuse(reading.refused)
        outcome = Outcome.PARTIAL if reading.lacking else Outcome.GOOD
        return self._tell(outcome, samples=len(reading.samples), objects=objects, refused=refused)

    def _lack(self, lacking: Sequence[str], was: Status) -> None:
        self.status = Status.PARTIAL
        self._error = describe(BadReading("; ".join(lacking)), self._configured.config)
        if was is not Status.PARTIAL:
            log.warning("source is %s", self.status, extra=self._extra())

    def bad(self, error: BaseException, refused: Mapping[str, int] | None = None) -> Run:
        """Count a reading that was dropped. One of them does not make a source fail."""
        self._bad += 1
        return self._not_good(Outcome.BAD, error, self.status, refused=self.refuse(refused or {}))

    def refuse(self, refused: Mapping[str, int]) -> int:
        """Count numbers that were not believed; returns how many."""
        for reason, count in refused.items():
            is_new = reason not in self._refused and len(self._refused) >= MOST_REASONS
            self._refused[OTHER if is_new else reason] += count
        return sum(refused.values())

    def failed(self, outcome: Outcome, error: BaseException) -> Run:
        """Count and show it; log it if the source was well before."""
        return self._not_good(outcome, error, Status.FAILING)

    def stuck(self, error: BaseException) -> Run:
        return self._not_good(Outcome.STUCK, error, Status.STUCK)

    def lose(self, reading: Reading) -> None:
        """Count a reading that is given up because the source is stopped."""
        self._lost += len(reading.samples)
        log.error("source was stopped before its last reading was published", extra=self._extra())

    def held_up(self, place: str) -> None:
        """Count that it blocks the event loop, and say where. Called from another thread."""
        self._blocked += 1
        log.error(
            "source holds up all others: what blocks belongs into Named.blocking",
            extra={"source": self._configured.name, "place": place},
        )

    def closed_badly(self, error: BaseException) -> None:
        self._error = describe(error, self._configured.config)
        log.warning("source did not close well", extra=self._extra())

    def _not_good(
        self, outcome: Outcome, error: BaseException, status: Status, *, refused: int = 0
    ) -> Run:
        self._error = describe(error, self._configured.config)
        self._failures += 1
        was, self.status = self.status, status
        if status is not was:
            log.warning("source is %s", status, extra=self._extra())
        return self._tell(outcome, refused=refused)

    def _tell(
        self, outcome: Outcome, *, samples: int = 0, objects: int = 0, refused: int = 0
    ) -> Run:
        now = self._clock.now()
        began = self._began or now
        run = Run(
            source=self._configured.name,
            kind=self._configured.kind.name,
            at=began,
            took=now - began,
            outcome=outcome,
            samples=samples,
            objects=objects,
            refused=refused,
            error=self._error,
        )
        try:
            self._on_run(run)
        except Exception:
            log.exception("a run could not be told", extra=self._extra())
        return run

    def _extra(self) -> dict[str, str]:
        return {"source": self._configured.name, "error": self._error}
