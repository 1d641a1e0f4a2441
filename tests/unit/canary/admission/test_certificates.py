"""The webhooks' certificates, through the years."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from pilotlight_canary.admission.certificates import SETTLING, Certificates, inline, read, renewed

HOSTS = ("webhook.pilotlight-system.svc",)
START = datetime(2026, 1, 1, tzinfo=UTC)
LOOK = timedelta(hours=6)


def trusts(bundle: bytes, serving: bytes, now: datetime) -> None:
    """A client that knows the bundle takes the certificate for the host."""
    certificate = x509.load_pem_x509_certificate(serving)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == list(HOSTS)
    assert certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
    assert any(
        authority.not_valid_after_utc > now and _signed_by(certificate, authority)
        for authority in x509.load_pem_x509_certificates(bundle)
    )


def _signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except Exception:  # noqa: BLE001  (any of three)
        return False
    return True


def test_what_is_new_is_trusted_and_survives_the_secret() -> None:
    made = renewed(None, HOSTS, START)
    trusts(made.bundle, made.serving.certificate, START)
    data = {key: value for key, value in made.data().items() if value is not None}
    assert read(data) == made
    assert renewed(read(data), HOSTS, START + LOOK) == made


def test_for_three_years_whoever_is_a_look_behind_still_trusts_what_is_shown() -> None:
    before = found = renewed(None, HOSTS, START)
    authorities, now = {found.ca.certificate}, START
    while now < START + timedelta(days=3 * 365):
        now += LOOK
        found = renewed(before, HOSTS, now)
        trusts(found.bundle, found.serving.certificate, now)
        # The API server still has the last bundle, or a replica the last certificate.
        trusts(before.bundle, found.serving.certificate, now)
        trusts(found.bundle, before.serving.certificate, now)
        assert len(x509.load_pem_x509_certificates(found.bundle)) <= 2
        authorities.add(found.ca.certificate)
        before = found
    assert len(authorities) == 5


def test_a_new_authority_signs_nothing_before_others_could_learn_of_it() -> None:
    found = renewed(None, HOSTS, START)
    late = START + timedelta(days=244)
    announced = renewed(found, HOSTS, late)
    assert announced.next is not None
    assert announced.ca == found.ca
    soon = renewed(announced, HOSTS, late + SETTLING / 2)
    assert soon.ca == found.ca
    signing = renewed(soon, HOSTS, late + SETTLING)
    assert signing.ca == announced.next
    assert signing.old == found.ca.certificate


def test_another_name_of_the_service_gets_a_certificate_at_once() -> None:
    found = renewed(None, ("other.svc",), START)
    again = renewed(found, HOSTS, START)
    assert again.ca == found.ca
    trusts(again.bundle, again.serving.certificate, START)


def test_an_authority_that_has_expired_is_replaced_at_once() -> None:
    found = renewed(None, HOSTS, START)
    late = START + timedelta(days=400)
    again = renewed(found, HOSTS, late)
    assert again.ca != found.ca
    trusts(again.bundle, again.serving.certificate, late)


def _mixed() -> dict[str, str | None]:
    return renewed(None, HOSTS, START).data() | {
        "tls.key": inline(renewed(None, HOSTS, START).serving.key)
    }


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"ca.crt": "?"},
        {"ca.crt": "", "ca.key": "", "tls.crt": "", "tls.key": ""},
        _mixed(),
    ],
)
def test_a_secret_without_usable_certificates_is_as_if_empty(data: dict[str, str] | None) -> None:
    assert read({k: v for k, v in (data or {}).items() if v is not None}) is None


def test_the_private_keys_fit(tmp_path: Path) -> None:
    made: Certificates = renewed(None, HOSTS, START)
    for signed in (made.ca, made.serving):
        file = tmp_path / "pair.pem"
        file.write_bytes(signed.key + signed.certificate)
        ssl.create_default_context().load_cert_chain(file)
