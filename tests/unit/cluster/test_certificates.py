"""The cluster's certificates do what OpenSSL asks of them."""

import ssl
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from pilotlight_cluster import kubeconfig
from pilotlight_cluster.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


def _text(certificate: Path) -> str:
    command = ["openssl", "x509", "-in", str(certificate), "-noout", "-text"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_certificate_is_signed_by_the_authority(authority: Authority) -> None:
    pair = authority.issue("system:node:local", "system:nodes")
    command = ["openssl", "verify", "-CAfile", str(authority.files.certificate)]
    ended = subprocess.run([*command, str(pair.certificate)], capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_client_is_known_by_its_name_and_group(authority: Authority) -> None:
    text = _text(authority.issue("system:node:local", "system:nodes").certificate)
    assert "O = system:nodes, CN = system:node:local" in text


def test_a_server_is_known_by_its_names_and_addresses(authority: Authority) -> None:
    text = _text(authority.issue("api", hosts=("kubernetes.default.svc", "10.96.0.1")).certificate)
    assert "DNS:kubernetes.default.svc" in text
    assert "IP Address:10.96.0.1" in text


def test_what_was_issued_is_kept(authority: Authority) -> None:
    first = authority.issue("admin").certificate.read_bytes()
    again = Authority(authority.folder)
    assert again.issue("admin").certificate.read_bytes() == first
    assert again.files.certificate.read_bytes() == authority.files.certificate.read_bytes()


def test_keys_are_readable_by_their_owner_alone(authority: Authority) -> None:
    pairs = [authority.files, authority.issue("admin"), authority.token_keys()]
    for pair in pairs:
        assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600


def test_a_key_fits_its_certificate(authority: Authority) -> None:
    pair = authority.issue("admin", "system:masters")
    ssl.create_default_context().load_cert_chain(pair.certificate, pair.key)


def test_a_kubeconfig_holds_all_that_a_client_needs(authority: Authority, tmp_path: Path) -> None:
    file = kubeconfig.write(tmp_path / "admin.kubeconfig", "https://10.0.0.1", authority, "admin")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    document = yaml.safe_load(file.read_text())
    assert document["clusters"][0]["cluster"]["server"] == "https://10.0.0.1"
    assert set(document["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}
