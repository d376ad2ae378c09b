"""Which of a BMC's sensors say what its server draws.

Kwapi's rule: the sensors that are named, added; where none is named, the only one in watts. Dell
calls it ``Pwr Consumption`` and files it under Current; Quanta and Intel have one for each power
supply, of which an idle one says 0. So neither the type nor the name is asked, but the unit.
Source: SDRs of a Dell R730 and R640, a Quanta D51 and an Intel S2600WTT.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from meterhouse.clients.freeipmi.answers import Sensor


@dataclass(frozen=True, slots=True)
class Chosen:
    """The sensors that count, by their record, with the name each had when it was chosen."""

    names: Mapping[int, str]

    def watts(self, sensors: Mapping[int, Sensor]) -> float | None:
        """Their sum; None if one of them has no reading.

        Raises LookupError if one is not there, or is another sensor now.
        """
        found = [sensors.get(record) for record in self.names]
        for sensor, name in zip(found, self.names.values(), strict=True):
            if sensor is None or sensor.name != name:
                raise LookupError(f"its sensor {name!r} is not where it was")
        values = [sensor.value for sensor in found if sensor]
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None


@dataclass(slots=True)
class Heard:
    """What one BMC has said in a round, by record.

    before: the sensors that count, if that is known from an earlier round
    """

    before: Chosen | None = None
    sensors: dict[int, Sensor] = field(default_factory=dict)

    def add(self, sensor: Sensor) -> float | None:
        """Return the watts if this was the last one that was waited for."""
        self.sensors[sensor.record] = sensor
        if self.before is None or sensor.record not in self.before.names:
            return None
        try:
            return self.before.watts(self.sensors)
        except LookupError:
            return None


def chosen(sensors: Mapping[int, Sensor], names: Sequence[str]) -> Chosen:
    """Of all sensors of a BMC those that count. Raises LookupError, which says what to do.

    names: the configured ones, if any
    """
    if names:
        return _named(sensors, names)
    in_watts = {record: sensor for record, sensor in sensors.items() if sensor.is_power}
    if not in_watts:
        raise LookupError("has no sensor that says watts")
    if len(in_watts) > 1:
        called = ", ".join(repr(sensor.name) for sensor in in_watts.values())
        raise LookupError(
            f"has several sensors in watts: {called}; name those to add in `sensors`"
        )
    return Chosen({record: sensor.name for record, sensor in in_watts.items()})


def _named(sensors: Mapping[int, Sensor], names: Sequence[str]) -> Chosen:
    found = {record: sensor for record, sensor in sensors.items() if sensor.name in names}
    there = {sensor.name for sensor in found.values()}
    for name in names:
        if name not in there:
            in_watts = sorted({each.name for each in sensors.values() if each.is_power})
            others = f"; in watts it has {', '.join(map(repr, in_watts))}" if in_watts else ""
            raise LookupError(f"has no sensor {name!r}{others}")
    for sensor in found.values():
        if sensor.value is not None and not sensor.is_power:
            raise LookupError(f"its sensor {sensor.name!r} is in {sensor.unit}, not in watts")
    return Chosen({record: sensor.name for record, sensor in found.items()})
