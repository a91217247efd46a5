"""`evalkit judge serve`."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalkit.cli.options import PATH, option
from evalkit.cli.say import say

if TYPE_CHECKING:
    from evalkit.judges.vlm.serving.server import Server


@click.command("serve")
@click.argument("profile", default="judge-mini")
@option("--model", default="", metavar="MODEL", help="Load this folder or hub id instead of the profile's own model.")
@option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="Port on 127.0.0.1. Default: a free one.")
@option(
    "--vllm-python",
    type=PATH,
    metavar="PATH",
    help="Python of the environment that has vLLM. Default: evalkit looks for one.",
)
@option("--sleep", is_flag=True, help="Let judges with `share_gpu: sleep` release the GPU memory between uses.")
@option("--download", is_flag=True, help="Allow downloads from the hub. Without it only local files are loaded.")
@option("--log", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="File for the server's output.")
@option(
    "--timeout",
    type=click.FloatRange(1),
    default=900.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up if the server does not answer within this time.",
)
def command(
    profile: str,
    model: str,
    port: int | None,
    vllm_python: Path | None,
    sleep: bool,
    download: bool,
    log: Path | None,
    timeout: float,
) -> int:
    """Start the model of PROFILE (default: `judge-mini`) on vLLM for judges to ask, and serve it until Ctrl-C.

    Exit 3 if the server can't be started: vLLM, free GPU memory or the weights are missing.
    """
    from evalkit.judges.vlm.serving.server import serve

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say(f"starting {profile} …", err=True)
    with serve(
        profile, model, vllm_python, port=port or 0, sleep=sleep, download=download, log=log, timeout=timeout
    ) as server:
        _wait(server)
    return 0


def _wait(server: Server) -> None:
    """Print how to use the server, and wait for Ctrl-C. Raises `UnavailableError` if the server ends by itself."""
    from evalkit.api.errors import UnavailableError

    try:
        say(f"vLLM {server.vllm}, ready after {server.seconds:.0f} s; log: {server.log}")
        say(f"url     {server.url}")
        say(f"model   {server.model}")
        say(f"export  EVALKIT_JUDGE_API_KEY={server.api_key}")
        say(f"judge   evalkit run --judge vlm:url={server.url},model={server.model}")
        while server.alive():
            time.sleep(0.5)
    except KeyboardInterrupt:
        return
    raise UnavailableError("the server ended by itself", where=str(server.log), hint="read the reason in its log")
