"""The names of the events, and the metadata keys every one of them carries.

Runs, materializations and check results of Dagster are the audit stream; what has no Dagster event
of its own is an observation with these keys. What is written here is in Dagster's event log only.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class EventType(StrEnum):
    """Event types that are recorded as observations."""

    DATASET_REGISTERED = "DatasetRegistered"
    DATASET_VERSION_ACTIVATED = "DatasetVersionActivated"
    DATASET_DEPRECATED = "DatasetDeprecated"
    CONTRACT_DEFINED = "DataContractDefined"
    CONTRACT_UPDATED = "DataContractUpdated"
    CONTRACT_APPROVED = "DataContractApproved"
    CONTRACT_DECLINED = "DataContractDeclined"
    CONTRACT_DEPRECATED = "DataContractDeprecated"
    CONTRACT_RETIRED = "DataContractRetired"
    SIGNED_URL_CREATED = "SignedUrlCreated"
    APPEND_INGESTION_REQUESTED = "AppendIngestionRequested"
    DUPLICATE_SKIPPED = "DuplicateSkipped"
    BATCH_QUARANTINED = "BatchQuarantined"
    QUARANTINE_RELEASED = "QuarantineReleased"
    QUARANTINE_CORRECTED = "QuarantineCorrected"
    REPLAY_REQUESTED = "ReplayRequested"
    CONSUMPTION_GRANTED = "ConsumptionGranted"
    CONSUMPTION_REVOKED = "ConsumptionRevoked"
    DATA_CONSUMED = "DataConsumed"
    DATA_UNPUBLISHED = "DataUnpublished"
    RETENTION_APPLIED = "RetentionApplied"
    KEY_ROTATED = "KeyRotated"
    TOKEN_READ = "TokenRead"  # noqa: S105 - the name of an event
    ANONYMIZATION_DRY_RUN_COMPLETED = "AnonymizationDryRunCompleted"
    ANONYMIZATION_APPROVED = "AnonymizationApproved"
    DATA_ANONYMIZED = "DataAnonymized"
    ANONYMIZATION_ROLLED_BACK = "AnonymizationRolledBack"
    ERASURE_REQUESTED = "ErasureRequested"
    RECORDS_ERASED = "RecordsErased"
    RECORDS_SUPPRESSED = "RecordsSuppressed"
    ERASURE_COMPLETED = "ErasureCompleted"
    ACCESS_GRANTED = "AccessGranted"
    ACCESS_REVOKED = "AccessRevoked"
    ACCESS_DENIED = "AccessDenied"


ACCESS = frozenset({EventType.ACCESS_GRANTED, EventType.ACCESS_REVOKED, EventType.ACCESS_DENIED})
"""Events about who may do what; they stand apart from those about data."""

INSTALLATION = "(installation)"
"""Stands for the dataset of an event that is about none; no dataset can have this name."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact: what happened to which batch (None: the dataset), who did it, and why.

    `facts` hold no value of a record.
    """

    type: EventType
    dataset: str
    batch: str | None
    actor: str
    why: str
    facts: dict[str, str | int | float] = field(default_factory=dict)

    def metadata(self) -> dict[str, str | int | float]:
        """Return the metadata of the observation."""
        said = {"lakehouse/event": self.type.value, "actor": self.actor, "why": self.why}
        return {**self.facts, **said}
