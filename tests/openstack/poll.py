"""What Ceilometer's dynamic pollsters make of our definition: run by .openstack's Python.

    .openstack/bin/python poll.py DEFINITIONS.yaml CEILOMETER.conf

Endpoints are discovered, asked and taken apart by Ceilometer's own code, as its agent does; its
samples are printed as JSON.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from ceilometer import keystone_client, service
from ceilometer.polling.discovery.endpoint import EndpointDiscovery
from ceilometer.polling.dynamic_pollster import DynamicPollster

FIELDS = ("name", "type", "unit", "volume", "resource_id", "project_id", "user_id")


def main() -> None:
    definitions, config = map(Path, sys.argv[1:])
    conf = service.prepare_service(["poll"], [str(config)])
    client = keystone_client.get_client(conf)
    manager = SimpleNamespace(keystone=client, _keystone=client)
    samples: list[Any] = []
    for definition in yaml.safe_load(definitions.read_text()):
        pollster = DynamicPollster(definition, conf)
        kind, _, wanted = pollster.default_discovery.partition(":")
        assert kind == "endpoint"
        found = EndpointDiscovery(conf).discover(manager, wanted)
        samples += pollster.get_samples(manager, {}, found)
    print(json.dumps([{name: getattr(each, name) for name in FIELDS} for each in samples]))


if __name__ == "__main__":
    main()
