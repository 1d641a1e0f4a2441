"""Where a version answers: whom to connect to, and for whom to ask there."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Address:
    """An HTTP address.

    Inside the cluster the URL of one of our Routes is all. Outside its host has no address, and
    the cluster's internal gateway is asked for it by the ``Host`` header.
    """

    url: str
    host: str = ""
    """The ``Host`` header; empty: the URL's own host."""

    @classmethod
    def through(cls, gateway: str, url: str) -> "Address":
        """The address of ``url`` behind a gateway; without a gateway, ``url`` itself."""
        return cls(gateway, urlsplit(url).netloc) if gateway else cls(url)

    @property
    def headers(self) -> dict[str, str]:
        return {"Host": self.host} if self.host else {}

    def __str__(self) -> str:
        return f"{self.host} at {self.url}" if self.host else self.url
