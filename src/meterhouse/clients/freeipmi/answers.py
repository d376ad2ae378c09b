"""What FreeIPMI prints of one BMC, a line at a time, behind its address.

ipmi-dcmi --get-system-power-statistics, seven lines of which two matter:

    bmc-1:623: Current Power                        : 203 Watts
    bmc-1:623: Power Measurement                    : Active | Not Available

ipmi-sensors --comma-separated-output --no-header-output, a line a sensor: record, name, type,
reading, unit, event:

    bmc-1:623: 98,Pwr Consumption,Current,112.00,W,'OK'
    bmc-1:623: 51,PS2 Input Power,Other Units Based Sensor,N/A,N/A,N/A

Either, when something is wrong:

    bmc-1:623: ipmi-dcmi: password invalid
    bmc-1:623: ipmi_cmd_dcmi_get_power_reading: command invalid or unsupported
"""

import re
from dataclasses import dataclass
from enum import StrEnum

NOT_SUPPORTED = "command invalid or unsupported"
_STATISTIC = re.compile(r"([A-Z][A-Za-z ]+?) *: (.*)")
_WATTS = re.compile(r"(\d+) Watts")
_SENSOR = re.compile(r"(\d+),(.*),([^,]*),(N/A|-?\d+(?:\.\d+)?),([^,]*),(N/A|'.*')")
_COMPLAINT = re.compile(r"(?:ipmi-[a-z]+|ipmi_[a-z0-9_]+): (.+)")


class Failure(StrEnum):
    """What a complaint means for whoever asked."""

    LOGIN = "login refused"
    SILENCE = "no answer"
    NAME = "unknown host"
    UNSUPPORTED = "not supported"
    OTHER = "failed"


FAILURES = {
    "username invalid": Failure.LOGIN,
    "password invalid": Failure.LOGIN,
    "password verification timeout": Failure.LOGIN,
    "k_g invalid": Failure.LOGIN,
    "privilege level insufficient": Failure.LOGIN,
    "privilege level cannot be obtained for this user": Failure.LOGIN,
    "authentication type unavailable for attempted privilege level": Failure.LOGIN,
    "cipher suite id unavailable": Failure.LOGIN,
    "connection timeout": Failure.SILENCE,
    "session timeout": Failure.SILENCE,
    "message timeout": Failure.SILENCE,
    "invalid hostname": Failure.NAME,
    NOT_SUPPORTED: Failure.UNSUPPORTED,
}
"""Source: ipmi-dcmi(8), general troubleshooting."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What FreeIPMI says when a BMC does not answer as asked."""

    failure: Failure
    said: str


@dataclass(frozen=True, slots=True)
class Statistic:
    """One line of the power statistics."""

    name: str
    value: str

    @property
    def watts(self) -> int | None:
        """The power now, if this is the line that says it."""
        found = _WATTS.fullmatch(self.value) if self.name == "Current Power" else None
        return int(found[1]) if found else None

    @property
    def is_measured(self) -> bool | None:
        """Whether power is measured at all; None if another line says it. It is the last one."""
        return self.value == "Active" if self.name == "Power Measurement" else None


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor. ``value`` is None where it has no reading; then its unit is not said either."""

    record: int
    name: str
    value: float | None
    unit: str

    @property
    def is_power(self) -> bool:
        return self.unit in {"W", "Watts"}


def statistic(line: str) -> Statistic | None:
    found = _STATISTIC.fullmatch(line)
    return Statistic(found[1], found[2].strip()) if found else None


def sensor(line: str) -> Sensor | None:
    found = _SENSOR.fullmatch(line)
    if not found:
        return None
    value = None if found[4] == "N/A" else float(found[4])
    return Sensor(int(found[1]), found[2].strip(), value, found[5])


def complaint(line: str) -> Complaint | None:
    found = _COMPLAINT.fullmatch(line)
    return Complaint(FAILURES.get(found[1], Failure.OTHER), found[1]) if found else None
