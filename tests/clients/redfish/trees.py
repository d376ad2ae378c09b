"""Redfish resources as a small server has them, after DMTF's schemas (DSP8010)."""

from typing import Any

Tree = dict[str, Any]
V1 = "/redfish/v1"


def link(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def collection(*paths: str) -> dict[str, Any]:
    return {"Members": [link(path) for path in paths], "Members@odata.count": len(paths)}


def root(*chassis: str) -> Tree:
    """A service with these chassis, of which nothing is said yet but that they are there."""
    paths = [f"{V1}/Chassis/{name}" for name in chassis]
    return {
        f"{V1}": {
            "@odata.type": "#ServiceRoot.v1_15_0.ServiceRoot",
            "Id": "RootService",
            "RedfishVersion": "1.15.0",
            "Chassis": link(f"{V1}/Chassis"),
            "Links": {"Sessions": link(f"{V1}/SessionService/Sessions")},
        },
        f"{V1}/Chassis": collection(*paths),
        **{path: {"Id": name} for path, name in zip(paths, chassis, strict=True)},
    }


def environment(tree: Tree, name: str, watts: float | None, **more: object) -> None:
    """Let a chassis have EnvironmentMetrics."""
    chassis = f"{V1}/Chassis/{name}"
    tree[chassis]["EnvironmentMetrics"] = link(f"{chassis}/EnvironmentMetrics")
    tree[f"{chassis}/EnvironmentMetrics"] = {"PowerWatts": {"Reading": watts}} | more


def power(tree: Tree, name: str, watts: float | None) -> None:
    """Let a chassis have Power, as older ones do."""
    chassis = f"{V1}/Chassis/{name}"
    tree[chassis]["Power"] = link(f"{chassis}/Power")
    tree[f"{chassis}/Power"] = {
        "PowerControl": [{"MemberId": "0", "PowerConsumedWatts": watts, "PowerMetrics": None}]
    }


def supplies(tree: Tree, name: str, *watts: float | str | None) -> None:
    """Let a chassis have power supplies, of which "Absent" is one that is not there."""
    chassis = f"{V1}/Chassis/{name}"
    subsystem = f"{chassis}/PowerSubsystem"
    paths = [f"{subsystem}/PowerSupplies/PS{place}" for place in range(1, len(watts) + 1)]
    tree[chassis]["PowerSubsystem"] = link(subsystem)
    tree[subsystem] = {"PowerSupplies": link(f"{subsystem}/PowerSupplies")}
    tree[f"{subsystem}/PowerSupplies"] = collection(*paths)
    for path, value in zip(paths, watts, strict=True):
        state = "Absent" if value == "Absent" else "Enabled"
        tree[path] = {"Status": {"State": state}, "Metrics": link(f"{path}/Metrics")}
        tree[f"{path}/Metrics"] = {"InputPowerWatts": {"Reading": value}}
