"""The token service of a real docker-registry: it hands out signed tokens that the registry checks itself."""

from __future__ import annotations

import base64
import datetime
import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.edge.registry.http_server import Answer, Asked, Server

SERVICE, ISSUER = "home registry", "home tokens"
USER, PASSWORD, IDENTITY = "me", "pa:ss wörd", "refresh-me"


class TokenServer(Server):
    """Gives whoever knows the password all that is asked for, and strangers the right to pull `public/...`."""

    def __init__(self, directory: Path, *, seconds: int = 300) -> None:
        super().__init__(self._reply)
        directory.mkdir(parents=True, exist_ok=True)
        self._seconds = seconds
        self._key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.bundle = directory / "bundle.pem"
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self._chain = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()

    @property
    def auth(self) -> str:
        """The registry's configuration."""
        return (
            f"{{token: {{realm: 'http://{self.domain}/token', service: '{SERVICE}', issuer: '{ISSUER}', "
            f"rootcertbundle: '{self.bundle}'}}}}"
        )

    def _reply(self, asked: Asked) -> Answer:
        if asked.method == "POST":
            words = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
            if (words.get("grant_type"), words.get("refresh_token")) != ("refresh_token", IDENTITY):
                return Answer(status=401)
            return self._token("access_token", words["scope"], is_known=True)
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        said = asked.headers.get("Authorization")
        if said not in (None, f"Basic {basic}"):
            return Answer(status=401)
        query = parse_qs(urlsplit(asked.path).query)
        assert query["service"] == [SERVICE]
        return self._token("token", query["scope"][0], is_known=said is not None)

    def _token(self, field: str, scope: str, *, is_known: bool) -> Answer:
        kind, name, actions = scope.split(":")
        granted = actions.split(",") if is_known else ["pull"] if name.startswith("public/") else []
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": USER,
            "aud": SERVICE,
            "iat": now,
            "nbf": now - 10,
            "exp": now + self._seconds,
            "access": [{"type": kind, "name": name, "actions": granted}],
        }
        head = {"typ": "JWT", "alg": "RS256", "x5c": [self._chain]}
        text = b".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        signature = self._key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        token = b".".join((text, _encoded(signature))).decode()
        return Answer(body=json.dumps({field: token}).encode(), headers={"Content-Type": "application/json"})


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
