"""`evalkit judge serve`."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import click


@click.command("serve")
@click.argument("profile", default="judge-mini")
@click.option(
    "--model", default="", help="Folder or hub id to load in place of the profile's own.", envvar="EVALKIT_MODEL"
)
@click.option("--port", type=click.IntRange(1, 65535), help="On 127.0.0.1; default: a free one.", envvar="EVALKIT_PORT")
@click.option("--vllm-python", type=click.Path(path_type=Path), envvar="EVALKIT_VLLM_PYTHON", help="Python with vLLM.")
@click.option(
    "--sleep",
    is_flag=True,
    help="Start it so that judges with `share_gpu: sleep` can let it sleep.",
    envvar="EVALKIT_SLEEP",
)
@click.option(
    "--download",
    is_flag=True,
    help="Allow the hub; otherwise only what is on this machine is loaded.",
    envvar="EVALKIT_DOWNLOAD",
)
@click.option(
    "--log", type=click.Path(dir_okay=False, path_type=Path), help="File for the server's output.", envvar="EVALKIT_LOG"
)
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=900.0,
    show_default=True,
    help="Seconds until it answers.",
    envvar="EVALKIT_TIMEOUT",
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
    """Start the model of PROFILE (`judge-mini` if none is named) on vLLM for judges to ask, and wait for Ctrl-C.

    Exit 3 if it can't be started: no vLLM, no room on the GPU, no weights.
    """
    from evalkit.plugins.registry import load

    serve = load("judge_servers", "vllm")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    click.echo(f"starting {profile} …", err=True)
    with serve(
        profile, model, vllm_python, port=port or 0, sleep=sleep, download=download, log=log, timeout=timeout
    ) as server:
        _stay(server)
    return 0


def _stay(server: Any) -> None:
    """Say how to use it, and wait: for Ctrl-C, which is the way it ends, or for its own end, which is an error."""
    from evalkit.api.errors import UnavailableError

    try:
        click.echo(f"vLLM {server.vllm}, ready after {server.seconds:.0f} s; log: {server.log}")
        click.echo(f"url     {server.url}")
        click.echo(f"model   {server.model}")
        click.echo(f"export  EVALKIT_JUDGE_API_KEY={server.api_key}")
        click.echo(f"judge   evalkit run --judge vlm:url={server.url},model={server.model}")
        while server.alive():
            time.sleep(0.5)
    except KeyboardInterrupt:
        return
    raise UnavailableError("the server ended by itself", where=str(server.log), hint="its log says why")
