"""What PDUs of known makes say, and where.

Source: the makers' MIB files, each named beside its preset; indexes, units and ranges are theirs.
Where a register's size is a type's highest number, the MIB gives that range; where the MIB gives
none, the register counts as endless, and a fall as a restart.
"""

from dataclasses import dataclass

from meterhouse.sources import Measures
from meterhouse.sources.snmp.tables import HIGHEST_32, KWH, WH, Object, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One make of PDU.

    maker:   the OID below which its agents say what they are
    first:   the number of the first device of a daisy chain
    outlets: what is said of each outlet
    others:  the same of every device but the first, where that is found in another way
    inputs:  what is said of what the whole device takes in, if anything is
    """

    title: str
    maker: str
    first: int = 1
    outlets: Table
    others: Table | None = None
    inputs: Table | None = None
    measures: Measures = Measures.OUTLET

    def outlets_of(self, device: int) -> Table:
        return self.others if self.others and device != self.first else self.outlets


EATON = "1.3.6.1.4.1.534.6.6.7"
APC = "1.3.6.1.4.1.318.1.1.26"
RARITAN = "1.3.6.1.4.1.13742"
SCHLEIFENBAUER = "1.3.6.1.4.1.31034.12.1.1.2"
SENTRY4 = "1.3.6.1.4.1.1718.4.1"
DELL = "1.3.6.1.4.1.674.10892.5"

PRESETS = {
    # EATON-EPDU-MIB: outletPowerTable and inputTotalPowerTable, indexed by strap and outlet or
    # input; the first unit of a chain is strap 0. Negative watts are "not available". The Wh can
    # be set to 0 by whoever may write.
    "eaton": Preset(
        title="Eaton ePDU",
        maker="1.3.6.1.4.1.534",
        first=0,
        outlets=Table(
            power=Object(oid=f"{EATON}.6.5.1.3.{{device}}.{{n}}"),
            energy=Object(oid=f"{EATON}.6.5.1.4.{{device}}.{{n}}", scale=WH, size=HIGHEST_32),
        ),
        inputs=Table(
            power=Object(oid=f"{EATON}.3.5.1.4.{{device}}.{{n}}"),
            energy=Object(oid=f"{EATON}.3.5.1.5.{{device}}.{{n}}", scale=WH, size=HIGHEST_32),
        ),
    ),
    # PowerNet-MIB: rPDU2OutletMeteredStatusTable (models metered by outlet), indexed by a running
    # number over all units, with the unit in column 2 (Module); rPDU2DeviceStatusTable, indexed by
    # unit, in hundredths of kW. Energy in tenths of kWh. -1: not supported.
    "apc": Preset(
        title="APC rack PDU metered by outlet (rPDU2)",
        maker="1.3.6.1.4.1.318",
        outlets=Table(
            power=Object(oid=f"{APC}.9.4.3.1.7.{{n}}"),
            energy=Object(oid=f"{APC}.9.4.3.1.11.{{n}}", scale=KWH / 10),
        ),
        others=Table(
            rows=f"{APC}.9.4.3.1.2",
            member="{device}",
            power=Object(oid=f"{APC}.9.4.3.1.7.{{row}}"),
            energy=Object(oid=f"{APC}.9.4.3.1.11.{{row}}", scale=KWH / 10),
        ),
        inputs=Table(
            power=Object(oid=f"{APC}.4.3.1.5.{{device}}", scale=10),
            energy=Object(oid=f"{APC}.4.3.1.9.{{device}}", scale=KWH / 10),
            most=1,
        ),
    ),
    # PDU2-MIB: outletSensorMeasurementsTable, indexed by PDU, outlet and type of sensor (5 active
    # power in W, 8 active energy in Wh); column 2 says 1 where the sensor is available. The
    # decimal digits stand in outletSensorConfigurationTable.
    "raritan": Preset(
        title="Raritan PX2, PX3",
        maker=f"{RARITAN}.6",
        outlets=Table(
            power=Object(
                oid=f"{RARITAN}.6.5.4.3.1.4.{{device}}.{{n}}.5",
                digits=f"{RARITAN}.6.3.5.4.1.7.{{device}}.{{n}}.5",
            ),
            energy=Object(
                oid=f"{RARITAN}.6.5.4.3.1.4.{{device}}.{{n}}.8",
                digits=f"{RARITAN}.6.3.5.4.1.7.{{device}}.{{n}}.8",
                scale=WH,
                size=HIGHEST_32,
            ),
            valid=f"{RARITAN}.6.5.4.3.1.2.{{device}}.{{n}}.5",
        ),
        inputs=Table(
            power=Object(
                oid=f"{RARITAN}.6.5.2.3.1.4.{{device}}.{{n}}.5",
                digits=f"{RARITAN}.6.3.3.4.1.7.{{device}}.{{n}}.5",
            ),
            energy=Object(
                oid=f"{RARITAN}.6.5.2.3.1.4.{{device}}.{{n}}.8",
                digits=f"{RARITAN}.6.3.3.4.1.7.{{device}}.{{n}}.8",
                scale=WH,
                size=HIGHEST_32,
            ),
            valid=f"{RARITAN}.6.5.2.3.1.2.{{device}}.{{n}}.5",
        ),
    ),
    # PDU-MIB of the Dominion PX: outletTable and inletTable, indexed by outlet and inlet.
    "raritan-px1": Preset(
        title="Raritan Dominion PX (PX1)",
        maker=f"{RARITAN}.4",
        outlets=Table(
            power=Object(oid=f"{RARITAN}.4.1.2.2.1.7.{{n}}"),
            energy=Object(oid=f"{RARITAN}.4.1.2.2.1.31.{{n}}", scale=WH, size=HIGHEST_32),
        ),
        inputs=Table(
            power=Object(oid=f"{RARITAN}.4.1.20.2.1.9.{{n}}"),
            energy=Object(oid=f"{RARITAN}.4.1.20.2.1.12.{{n}}", scale=WH, size=HIGHEST_32),
        ),
    ),
    # SCHLEIFENBAUER-DATABUS-MIB: sdbDevOutMtTable and sdbDevInTable, indexed by device and outlet
    # or phase. The kWh that nobody can reset has the range 0 to 16777215.
    "schleifenbauer": Preset(
        title="Schleifenbauer",
        maker="1.3.6.1.4.1.31034",
        outlets=Table(
            power=Object(oid=f"{SCHLEIFENBAUER}.7.2.1.11.{{device}}.{{n}}"),
            energy=Object(
                oid=f"{SCHLEIFENBAUER}.7.2.1.2.{{device}}.{{n}}", scale=KWH, size=2.0**24
            ),
        ),
        inputs=Table(
            power=Object(oid=f"{SCHLEIFENBAUER}.6.1.1.10.{{device}}.{{n}}"),
            energy=Object(
                oid=f"{SCHLEIFENBAUER}.6.1.1.2.{{device}}.{{n}}", scale=KWH, size=2.0**24
            ),
        ),
    ),
    # Sentry4-MIB: st4OutletMonitorTable, indexed by unit, cord and outlet, and
    # st4InputCordMonitorTable, by unit and cord. -1: unavailable. Outlets count Wh, cords tenths
    # of kWh, up to 2**31 - 1.
    "sentry4": Preset(
        title="Server Technology Sentry4",
        maker="1.3.6.1.4.1.1718.4",
        outlets=Table(
            rows=f"{SENTRY4}.8.3.1.7.{{device}}",
            power=Object(oid=f"{SENTRY4}.8.3.1.7.{{device}}.{{row}}"),
            energy=Object(oid=f"{SENTRY4}.8.3.1.14.{{device}}.{{row}}", scale=WH, size=2.0**31),
        ),
        inputs=Table(
            power=Object(oid=f"{SENTRY4}.3.3.1.3.{{device}}.{{n}}"),
            energy=Object(
                oid=f"{SENTRY4}.3.3.1.10.{{device}}.{{n}}", scale=KWH / 10, size=2.0**31
            ),
        ),
    ),
    # IDRAC-MIB: amperageProbeTable, where the row of the whole machine is found by its name.
    "idrac": Preset(
        title="Dell iDRAC",
        maker="1.3.6.1.4.1.674",
        outlets=Table(
            rows=f"{DELL}.4.600.30.1.8",
            labels=("System Board Pwr Consumption",),
            power=Object(oid=f"{DELL}.4.600.30.1.6.{{row}}"),
            most=1,
        ),
        measures=Measures.NODE,
    ),
}


def of_maker(object_id: str) -> str:
    """The preset for an agent that says it is of this kind, or "" if none is known."""
    known = [
        name for name, preset in PRESETS.items() if f"{object_id}.".startswith(f"{preset.maker}.")
    ]
    return known[0] if known else ""
