"""Kubeconfig files with the certificates inside."""

from pathlib import Path

import yaml

from pilotlight_cluster import file as files
from pilotlight_cluster.certificates import PRIVATE, Authority, inline


def write(file: Path, server: str, authority: Authority, user: str, group: str = "") -> Path:
    """A kubeconfig for ``user`` of ``group``, readable by its owner alone."""
    pair = authority.issue(user, group)
    name = "pilotlight"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": inline(authority.files.certificate),
                },
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": inline(pair.certificate),
                    "client-key-data": inline(pair.key),
                },
            }
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }
    files.write(file, yaml.safe_dump(document), PRIVATE)
    return file
