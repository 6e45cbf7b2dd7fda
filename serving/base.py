"""The base model on disk: finding it, naming it by content, and the shapes of its weights.

Loads no weights and imports no torch.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from serving.errors import BaseModelUnknown
from serving.tensors import FileFault, read_header

REPOSITORY = Path(__file__).resolve().parent.parent
# What decides the base model's replies; cards and pictures beside it do not.
IDENTITY_PATTERNS = (
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)


def resolve_base(base_model: str | Path, *, download: bool = False) -> Path:
    """The folder of a base model: a path, a path relative to the program, or a hub name that is in the cache.

    With `download`, a hub name that is not in the cache is fetched. Raises BaseModelUnknown.
    """
    path = Path(base_model).expanduser()
    places = [path] if path.is_absolute() else [Path.cwd() / path, REPOSITORY / path]
    for place in places:
        if place.is_dir():
            return _check_folder(str(base_model), place.resolve())
    if path.is_absolute() or len(path.parts) > 2 or str(base_model).startswith((".", "~")):
        raise BaseModelUnknown(str(base_model), places[-1], "there is no such folder")
    return _find_in_hub(str(base_model), places[-1], download=download)


def compute_base_id(base_model: str | Path) -> str:
    """sha256 over the names and contents of the files that decide the base's replies.

    It is cached as long as no file's size or time changes, so that asking again costs a directory listing.
    """
    base = resolve_base(base_model)
    files = sorted({file for pattern in IDENTITY_PATTERNS for file in base.glob(pattern)})
    stamps = []
    for file in files:
        stat = file.stat()
        stamps.append((str(file), stat.st_size, stat.st_mtime_ns))
    return _hash_files(tuple(stamps))


def read_base_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape of every weight of a base model by name, from the headers of its safetensors files."""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in sorted(path.glob("*.safetensors")):
        try:
            # Larger limits than for adapters: a mixture of experts has tens of thousands of weights.
            header = read_header(file, max_header_bytes=64 * 1024 * 1024, max_tensors=1_000_000)
        except FileFault as error:
            raise BaseModelUnknown(path.name, file, f"its weights cannot be read: {error}") from None
        shapes.update({name: tensor.shape for name, tensor in header.items()})
    return shapes


def list_linear_modules(path: Path) -> list[str]:
    """Last names of the linear layers inside the blocks, such as q_proj: what an adapter may change."""
    return sorted(
        {
            name.split(".")[-2]
            for name, shape in read_base_shapes(path).items()
            if len(shape) == 2 and ".layers." in name and name.endswith("_proj.weight")
        }
    )


@lru_cache(maxsize=32)
def _hash_files(stamps: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, size, _ in stamps:
        digest.update(f"{Path(name).name}\0{size}\0".encode())
        with open(name, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _check_folder(base_model: str, folder: Path) -> Path:
    if not (folder / "config.json").is_file():
        raise BaseModelUnknown(base_model, folder, "the folder has no config.json")
    if not any(folder.glob("*.safetensors")):
        raise BaseModelUnknown(base_model, folder, "the folder has no *.safetensors")
    return folder


def _find_in_hub(base_model: str, looked_at: Path, *, download: bool) -> Path:
    # Imported here: half a second that only hub names need.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "*.jinja", "*.txt", "tokenizer.model"]
    try:
        return _check_folder(
            base_model, Path(snapshot_download(base_model, local_files_only=True, allow_patterns=wanted))
        )
    except HFValidationError:
        raise BaseModelUnknown(base_model, looked_at, "neither a folder nor a hub name") from None
    except LocalEntryNotFoundError:
        if not download:
            raise BaseModelUnknown(base_model, looked_at, "not in the model cache") from None
    try:
        return _check_folder(base_model, Path(snapshot_download(base_model, allow_patterns=wanted)))
    except BaseModelUnknown:
        raise
    except Exception as error:  # the hub's client raises errors of four libraries; all mean "not to be had"
        summary = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BaseModelUnknown(base_model, looked_at, f"the hub does not give it: {summary}") from error
