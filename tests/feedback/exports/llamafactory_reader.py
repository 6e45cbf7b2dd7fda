"""Reads an exported folder with LLaMA-Factory's own parser and converter, and prints what they made of it.

    python llamafactory_reader.py FOLDER

Run apart from the tests: it imports the whole of LLaMA-Factory, with a stand-in for torchaudio, which data of
texts do not need.
"""

import importlib.machinery
import json
import sys
import types
from pathlib import Path

from datasets import load_dataset

stub = types.ModuleType("torchaudio")
stub.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
sys.modules["torchaudio"] = stub


def read_folder(folder: Path) -> dict[str, list[dict[str, object]]]:
    from llamafactory.data.converter import get_dataset_converter
    from llamafactory.data.parser import get_dataset_list

    names = list(json.loads((folder / "dataset_info.json").read_text()))
    arguments = types.SimpleNamespace(media_dir=str(folder))  # all that the converter asks of it
    read = {}
    for name, attributes in zip(names, get_dataset_list(names, str(folder)), strict=True):
        assert attributes.load_from == "file" and attributes.split == "train"
        lines = load_dataset("json", data_files=str(folder / attributes.dataset_name), split="train")
        convert = get_dataset_converter(attributes.formatting, attributes, arguments)
        read[name] = [convert(line) for line in lines]
    return read


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read_folder(Path(sys.argv[1]))))
