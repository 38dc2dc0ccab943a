"""TLS towards a broker: who it must be, and who we are. Files are read anew for each connection, so
that a renewed certificate counts from the next one on."""

import ssl
from pathlib import Path
from typing import NamedTuple


class TlsFiles(NamedTuple):
    """The broker's CA; our certificate and its key, None where it lies in the same file."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 at least; the broker's certificate and name are checked. Raises OSError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(self.ca)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context
