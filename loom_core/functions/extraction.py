"""Blueprints by function call, of one network or of several that belong together."""

from __future__ import annotations

from collections.abc import Mapping

from loom_core.errors import SpecError
from loom_core.json_records import to_json
from loom_core.network.network import Network
from loom_core.public import public
from loom_core.running import require_network
from loom_core.telemetry.blueprint import blueprint_of, extract_model
from loom_core.telemetry.telemetry_records import ModelTelemetry, NetworkBlueprint


@public("ExtractNetworkBlueprint")
def extract_network_blueprint(network: Network, model_id: str) -> ModelTelemetry:
    """Return what a network is made of: places, types, shapes, parameters, memory.

    Args:
        network: Any.
        model_id: Goes into the result.

    Raises:
        ShapeError, LimitError: The layers do not fit together, or need too much.
    """
    return extract_model(network, model_id)


@public("ExtractNetworkBlueprintJSON")
def extract_network_blueprint_json(network: Network, model_id: str) -> str:
    """Return what ExtractNetworkBlueprint does as JSON under the documented keys.

    Args:
        network: Any.
        model_id: Goes into the result.
    """
    return to_json(extract_model(network, model_id), indent=2)


@public("ExtractBundleBlueprint")
def extract_bundle_blueprint(networks: Mapping[str, Network]) -> NetworkBlueprint:
    """Return the blueprint of several networks by their names, as an encoder and its decoder.

    Args:
        networks: By name, at least one.

    Raises:
        SpecError: There is none.
        ShapeError, LimitError: The layers of one do not fit together, or need too much.
    """
    if not networks:
        raise SpecError("a blueprint needs at least one network")
    for name, network in networks.items():
        require_network(network, name)
    return blueprint_of([extract_model(network, name) for name, network in networks.items()])
