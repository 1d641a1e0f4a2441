"""Who may call, over which network, with which key."""

from pydantic import Field

from pilotlight.api.meta import ApiModel, KeyReference, Name


class Peer(ApiModel):
    """Pods by their labels, in a namespace by its name."""

    namespace: Name | None = None
    """The service's own, if none is given."""
    pod_labels: dict[str, str] = Field(default_factory=dict)


class Access(ApiModel):
    """The network policy, the visibility and the keys."""

    cluster_local: bool = False
    """No address outside the cluster."""
    network_policy: bool = True
    callers: tuple[Peer, ...] = ()
    """In Standard mode: who may call; everybody if nobody is named. In Knative mode all calls come
    through gateway and activator, which a network policy cannot see behind: use a key."""
    gateway: Peer = Peer(namespace="kourier-system", pod_labels={"app": "3scale-kourier-gateway"})
    """The ingress gateway's pods (Kourier's names)."""
    knative_namespace: Name = "knative-serving"
    prometheus: Peer = Peer(namespace="monitoring")
    """Who reads the metrics."""
    api_key_secret: KeyReference | None = None
    """Key that every request must carry."""
    admin_token_secret: KeyReference | None = None
    """Token that opens the admin routes."""
