"""All rules. docs/lint.md says the same for people."""

from pilotlight_manifests.lint.rules.batching import ContainerConcurrencyStarvesBatching
from pilotlight_manifests.lint.rules.cold_start import (
    ColdStartExceedsProgressDeadline,
    ColdStartExceedsTimeout,
)
from pilotlight_manifests.lint.rules.disruption import DisruptionBudgetBlocksDrains
from pilotlight_manifests.lint.rules.features import KnativeFeatureNeeded, KnativeRefusesField
from pilotlight_manifests.lint.rules.gpus import (
    GpuRequestDiffersFromLimit,
    GpusFewerThanParallelism,
    GpusIdle,
    HeadsNotDivisible,
)
from pilotlight_manifests.lint.rules.image import ImageNotPinned
from pilotlight_manifests.lint.rules.kv_cache import (
    ConcurrencyAboveBatch,
    ConcurrencyExceedsKvCache,
    KvCacheBelowOneRequest,
)
from pilotlight_manifests.lint.rules.multi_node import WorkerSpecInKnativeMode
from pilotlight_manifests.lint.rules.network import NetworkPolicyShutsOutKnative
from pilotlight_manifests.lint.rules.probes import LivenessKillsLoading
from pilotlight_manifests.lint.rules.replicas import ReplicasReversed, ScaleToZeroInStandardMode
from pilotlight_manifests.lint.rules.revision import ScalingEditMakesRevision
from pilotlight_manifests.lint.rules.rule import DocumentRule, WorkloadRule
from pilotlight_manifests.lint.rules.scale_target import (
    ScaleMetricUnsupported,
    ScaleTargetAboveLimit,
)
from pilotlight_manifests.lint.rules.shm import ShmTooSmall
from pilotlight_manifests.lint.rules.streams import StreamsMayBeCut
from pilotlight_manifests.lint.rules.timeouts import (
    GraceShorterThanTimeout,
    ServerGraceMismatch,
    TimeoutAboveMaximum,
)
from pilotlight_manifests.lint.rules.traffic import (
    AutoUpdateDisabled,
    CanaryPercentInStandardMode,
    CanaryPercentRange,
)
from pilotlight_manifests.lint.rules.weights import (
    WeightsExceedContainerMemory,
    WeightsExceedGpuMemory,
)

WORKLOAD_RULES: tuple[WorkloadRule, ...] = (
    # scaling and traffic
    ReplicasReversed(),
    ScaleToZeroInStandardMode(),
    ScaleMetricUnsupported(),
    ScaleTargetAboveLimit(),
    CanaryPercentRange(),
    CanaryPercentInStandardMode(),
    # time
    ColdStartExceedsTimeout(),
    ColdStartExceedsProgressDeadline(),
    TimeoutAboveMaximum(),
    GraceShorterThanTimeout(),
    ServerGraceMismatch(),
    LivenessKillsLoading(),
    # GPUs and memory
    GpusFewerThanParallelism(),
    GpusIdle(),
    GpuRequestDiffersFromLimit(),
    HeadsNotDivisible(),
    ShmTooSmall(),
    WeightsExceedGpuMemory(),
    WeightsExceedContainerMemory(),
    KvCacheBelowOneRequest(),
    # how many at a time
    ConcurrencyExceedsKvCache(),
    ConcurrencyAboveBatch(),
    ContainerConcurrencyStarvesBatching(),
    # the platform
    WorkerSpecInKnativeMode(),
    KnativeRefusesField(),
    KnativeFeatureNeeded(),
    StreamsMayBeCut(),
    ImageNotPinned(),
)

DOCUMENT_RULES: tuple[DocumentRule, ...] = (
    ScalingEditMakesRevision(),
    AutoUpdateDisabled(),
    NetworkPolicyShutsOutKnative(),
    DisruptionBudgetBlocksDrains(),
)

IDS = (*(rule.id for rule in WORKLOAD_RULES), *(rule.id for rule in DOCUMENT_RULES))
