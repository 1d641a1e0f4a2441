"""Folders of this machine as persistent volumes, so that the examples find their models."""

from pathlib import Path

from pilotlight.kube.document import Document

CAPACITY = "100Gi"


def documents(volumes: Path, namespace: str = "default") -> list[Document]:
    """A volume and its claim, read-only, for each folder under ``volumes``."""
    found: list[Document] = []
    for folder in sorted(path for path in volumes.glob("*") if path.is_dir()):
        found += claim(folder, namespace)
    return found


def claim(folder: Path, namespace: str) -> list[Document]:
    """One folder's volume, and the claim of the folder's name in a namespace."""
    volume = f"{namespace}-{folder.name}"
    access = {"accessModes": ["ReadOnlyMany"], "storageClassName": ""}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume},
            "spec": access
            | {
                "capacity": {"storage": CAPACITY},
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": str(folder), "type": "Directory"},
                "claimRef": {"namespace": namespace, "name": folder.name},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": folder.name, "namespace": namespace},
            "spec": access
            | {"volumeName": volume, "resources": {"requests": {"storage": CAPACITY}}},
        },
    ]
