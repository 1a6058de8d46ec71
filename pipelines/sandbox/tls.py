"""A certificate authority for loopback: the simulated server's TLS is real."""

import ssl
import warnings
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=30)
_CA = "Sandbox Exchange CA"
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class CertificateAuthority:
    """A CA and a certificate for localhost, written into a directory that the caller owns.

    ``ca_file`` is the path of the CA's certificate (PEM). The CA's own key is never written; the
    server's touches the disk (mode 0600) only for as long as OpenSSL takes to read it.
    """

    def __init__(self, directory: Path, hosts: tuple[str, ...] = ("localhost",)) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file = directory / "ca.pem"
        self._directory = directory
        ca_key = ec.generate_private_key(ec.SECP256R1())
        server_key = ec.generate_private_key(ec.SECP256R1())
        ca = _certificate(_CA, ca_key, ca_key).sign(ca_key, hashes.SHA256())
        server = (
            _certificate(hosts[0], server_key, ca_key)
            .add_extension(_names(hosts), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        self.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        chain = (each.public_bytes(serialization.Encoding.PEM) for each in (server, ca))
        self._chain = _pem(server_key) + b"".join(chain)

    def server_context(
        self,
        minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        maximum: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ) -> ssl.SSLContext:
        """Return what a server on localhost needs; other versions are for tests."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if ssl.TLSVersion.SSLv3 < maximum < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else OpenSSL has no way to speak it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point
            context.minimum_version = minimum
            context.maximum_version = maximum
        with NamedTemporaryFile(dir=self._directory, suffix=".pem") as chain:
            chain.write(self._chain)
            chain.flush()
            context.load_cert_chain(chain.name)
        return context


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, ca_key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """Return what the CA's certificate and the server's share; strict verifiers ask for it all."""
    now = datetime.now(UTC)
    is_ca = subject == _CA
    own, signer = x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier
    usage = dict.fromkeys(_USAGES, False) | {
        "digital_signature": True,
        "key_cert_sign": is_ca,
        "crl_sign": is_ca,
    }
    constraints = x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None)
    identifier = (
        own.from_public_key(key.public_key())
        if is_ca
        else signer.from_issuer_public_key(ca_key.public_key())
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(_CA))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(constraints, critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(identifier, critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _names(hosts: tuple[str, ...]) -> x509.SubjectAlternativeName:
    addresses = [x509.IPAddress(ip_address(text)) for text in ("127.0.0.1", "::1")]
    names = [x509.DNSName(host) for host in hosts]
    return x509.SubjectAlternativeName([*names, *(addresses if "localhost" in hosts else [])])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
