"""vLLM's own server for a CPU, its core a fork: `python -P forking_server.py` and the server's options.

On a CPU vLLM starts the process of the core anew, to load other allocators into it, and that one imports
torch and vLLM a second time: half of a start, and memory that the two could share. Elsewhere vLLM forks, too.
The server computes nothing before, so that no thread of a computation is lost in the fork.
"""

import multiprocessing
import runpy


def main() -> None:
    from vllm.v1.engine import utils

    utils.get_mp_context = lambda: multiprocessing.get_context("fork")  # type: ignore[attr-defined]
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
