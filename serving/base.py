"""The base model on disk: finding it, naming it by content, and the shapes of its weights.

Loads no weights and imports no torch.
"""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from serving.errors import BaseModelUnknown
from serving.tensors import FileFault, Tensor, read_header

CONFIG = "config.json"
REPOSITORY = Path(__file__).resolve().parent.parent
# Bases that come as a package of the Python index and no hub: demo/pretrained.py fetches them into the cache.
PACKAGED_BASES = ("smollm2-135m",)
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
# What decides the base model's replies; cards and pictures beside it do not.
IDENTITY_PATTERNS = (CONFIG, "*.safetensors", "*.safetensors.index.json", *TOKENIZER_FILES)


def resolve_base(base_model: str | Path, *, download: bool = False) -> Path:
    """The folder of a base model: a path, a path relative to the program, a fetched packaged base, or a hub
    name that is in the cache.

    With `download`, a hub name that is not in the cache is fetched. Raises BaseModelUnknown.
    """
    path = Path(base_model).expanduser()
    places = [path] if path.is_absolute() else [Path.cwd() / path, REPOSITORY / path]
    for place in places:
        if place.is_dir():
            return _check_folder(str(base_model), place.resolve())
    if str(base_model) in PACKAGED_BASES:
        return _find_packaged(str(base_model))
    if path.is_absolute() or len(path.parts) > 2 or str(base_model).startswith((".", "~")):
        raise BaseModelUnknown(str(base_model), places[-1], "there is no such folder")
    return _find_in_hub(str(base_model), places[-1], download=download)


def place_packaged(name: str) -> Path:
    """Where the folder of a packaged base lies once it has been fetched."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "rejoinder" / name


def is_unfetched(base_model: str) -> bool:
    """Whether this names a packaged base that is not in the cache yet."""
    if base_model not in PACKAGED_BASES:
        return False
    return not any(
        place.is_dir() for place in (Path(base_model), REPOSITORY / base_model, place_packaged(base_model))
    )


def is_whole_model(folder: Path) -> bool:
    """Whether a version's files are those of a checkpoint and not of an adapter."""
    return (folder / CONFIG).is_file()


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


def read_base_headers(path: Path) -> dict[str, Tensor]:
    """Number format and shape of every weight of a base model by name, from the headers of its safetensors
    files.
    """
    headers: dict[str, Tensor] = {}
    for file in sorted(path.glob("*.safetensors")):
        try:
            # Larger limits than for adapters: a mixture of experts has tens of thousands of weights.
            headers |= read_header(file, max_header_bytes=64 * 1024 * 1024, max_tensors=1_000_000)
        except FileFault as error:
            raise BaseModelUnknown(path.name, file, f"its weights cannot be read: {error}") from None
    return headers


def read_base_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape of every weight of a base model by name."""
    return {name: tensor.shape for name, tensor in read_base_headers(path).items()}


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


def _find_packaged(name: str) -> Path:
    folder = place_packaged(name)
    if not folder.is_dir():
        raise BaseModelUnknown(
            name, folder, f"`rejoinder up --base-model {name}` fetches it, and has not yet"
        )
    return _check_folder(name, folder)


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
