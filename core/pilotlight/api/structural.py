"""From pydantic's JSON schema to the structural OpenAPI v3 schema that a CRD takes.

The rules: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel

Schema: TypeAlias = dict[str, Any]

# A structural schema has no names of keys.
_DROPPED = frozenset({"title", "$defs", "additionalProperties", "discriminator", "propertyNames"})


def structural(model: type[BaseModel], rules: Mapping[str, tuple[Schema, ...]]) -> Schema:
    """The schema of a model, references resolved.

    Args:
        model: A model without recursion.
        rules: CEL rules (``x-kubernetes-validations``) by the name of the model they are for.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _Resolver(schema.get("$defs", {}), rules).node(schema, model.__name__)


class _Resolver:
    def __init__(self, definitions: Schema, rules: Mapping[str, tuple[Schema, ...]]) -> None:
        self._definitions = definitions
        self._rules = rules

    def node(self, schema: Schema, name: str | None = None) -> Schema:
        if "$ref" in schema:
            target = schema["$ref"].rpartition("/")[2]
            resolved = self.node(self._definitions[target], target)
            return resolved | self._siblings(schema)
        if "anyOf" in schema:
            return self._optional(schema)
        result = self._siblings(schema)
        result |= {key: value for key, value in schema.items() if key not in _DROPPED | {*result}}
        self._children(schema, result)
        _bound(result)
        if name is not None and name in self._rules:
            result["x-kubernetes-validations"] = list(self._rules[name])
        return result

    def _siblings(self, schema: Schema) -> Schema:
        kept = {}
        if "description" in schema:
            kept["description"] = " ".join(schema["description"].split())
        # An empty list says nothing that an absent one does not.
        if schema.get("default") not in (None, []):
            # The parts have defaults of their own, and a null would not be valid.
            kept["default"] = {} if isinstance(schema["default"], dict) else schema["default"]
        return kept

    def _optional(self, schema: Schema) -> Schema:
        variants = [v for v in schema["anyOf"] if v.get("type") != "null"]
        if len(variants) != 1:
            raise TypeError("a structural schema has no unions")
        return self.node(variants[0]) | self._siblings(schema)

    def _children(self, schema: Schema, result: Schema) -> None:
        if "properties" in schema:
            result["properties"] = {
                key: self.node(value) for key, value in schema["properties"].items()
            }
        if isinstance(schema.get("additionalProperties"), dict):
            result["additionalProperties"] = self.node(schema["additionalProperties"])
        if "items" in schema:
            result["items"] = self.node(schema["items"])


def _bound(schema: Schema) -> None:
    """JSON schema's numeric exclusive bounds and constants, as OpenAPI v3.0 writes them."""
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in schema:
            schema[inclusive] = schema[exclusive]
            schema[exclusive] = True
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
