"""Which application a path belongs to."""

from dataclasses import dataclass

from pilotlight.http_error import is_kserve_path
from pilotlight_predictor.front import ADMIN_PREFIX, Application

KSERVE_OPENAI_PREFIX = "/openai"


@dataclass(frozen=True, slots=True)
class PathRouter:
    """OpenAI's API owns all that KServe's protocols and the admin routes do not."""

    openai: Application
    kserve: Application
    admin: Application

    def __call__(self, path: str) -> tuple[Application, str]:
        """The application of a path, and the path as that application knows it."""
        if path.startswith(KSERVE_OPENAI_PREFIX + "/"):
            return self.openai, path.removeprefix(KSERVE_OPENAI_PREFIX)
        if path.startswith(ADMIN_PREFIX):
            return self.admin, path
        if is_kserve_path(path):
            return self.kserve, path
        return self.openai, path
