"""One container, as a runtime and an InferenceService make it together."""

from dataclasses import dataclass

from pilotlight_manifests.lint.engine import Engine, parse, server_of
from pilotlight_manifests.lint.field import Field
from pilotlight_manifests.lint.quantity import quantity
from pilotlight_manifests.lint.words import words

GPU_RESOURCES = ("nvidia.com/gpu", "amd.com/gpu", "intel.com/gpu", "habana.ai/gaudi")
"""KServe ``constants.DefaultGPUResourceTypeList``; NVIDIA's MIG slices are added by prefix."""

MIG_PREFIX = "nvidia.com/mig-"


@dataclass(frozen=True)
class Container:
    """What counts, from the runtime's container (first) and the model's own fields (last).

    Sources, KServe 0.20: ``MergeRuntimeContainers`` (``inferenceservice/utils/utils.go``): a
    strategic merge, but with the arguments of both.

    Attributes:
        hint: Name of the runtime, where its container is not in the files.
    """

    layers: tuple[Field, ...]
    hint: str = ""

    def field(self, *steps: str) -> Field:
        """The field of the last layer that has it."""
        found = [layer.at(*steps) for layer in self.layers]
        return next((f for f in reversed(found) if f.given), found[-1] if found else Field())

    @property
    def name(self) -> str:
        return self.field("name").text or ""

    @property
    def place(self) -> Field:
        """Where to point when nothing more exact exists."""
        return self.layers[-1]

    @property
    def image(self) -> str:
        return self.field("image").text or ""

    @property
    def env(self) -> dict[str, Field]:
        merged: dict[str, Field] = {}
        for layer in self.layers:
            merged |= {name: item.at("value") for name, item in layer.at("env").named()}
        return merged

    @property
    def engine(self) -> Engine:
        args = [word for layer in self.layers for word in layer.at("args").items]
        env = {name: f.text for name, f in self.env.items() if f.text is not None}
        line = words(self.field("command").items, args, env)
        return parse(server_of(f"{self.image} {self.hint}", line), line)

    def resources(self, side: str) -> dict[str, Field]:
        """``limits`` or ``requests``."""
        merged: dict[str, Field] = {}
        for layer in self.layers:
            merged |= layer.at("resources", side).fields
        return merged

    def limit(self, resource: str) -> float | None:
        found = self.resources("limits").get(resource)
        return quantity(found.text) if found else None

    @property
    def gpus(self) -> "Gpus | None":
        """The GPUs that the container asks for; ``None`` when it names no such resource."""
        limits, requests = self.resources("limits"), self.resources("requests")
        for name in (*limits, *requests):
            if name in GPU_RESOURCES or name.startswith(MIG_PREFIX):
                place = limits.get(name) or requests[name]
                count = quantity(place.text)
                if count is not None:
                    return Gpus(name, int(count), place)
        return None

    @property
    def claims_devices(self) -> bool:
        """Whether devices come by dynamic resource allocation, which counts elsewhere."""
        return bool(self.field("resources", "claims").items)

    def mounted(self, path: str) -> str | None:
        """The volume that is mounted there."""
        for layer in reversed(self.layers):
            for mount in layer.at("volumeMounts").items:
                if (mount.at("mountPath").text or "").rstrip("/") == path:
                    return mount.at("name").text
        return None


@dataclass(frozen=True)
class Gpus:
    """GPUs that a container asks for."""

    resource: str
    count: int
    place: Field
