"""``edge-bridge run``: the process around the bridge."""

from argparse import Namespace
import asyncio
from collections.abc import Mapping
from dataclasses import replace
import logging
import os
import signal
import sys
import threading

from . import app, env_file
from .bridge import Bridge
from .privileges import drop
from .settings import Settings, load
from .state_folder import StateFolder, state_folder

_LOGGER = logging.getLogger("edge_bridge")


def execute(flags: Namespace) -> bool:
    """Serve until the process is told to end."""
    running = app.found(os.environ, state_folder(flags.state, os.environ))
    settings = load(flags, _environment(flags, running))
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    folder = StateFolder(settings.state)
    bridge_id = folder.hold()
    _LOGGER.info("Bridge %s starts; state in %s", settings.name, settings.state)
    if running is not None:
        if running.announced:
            running.announce(bridge_id, settings.token)
            settings = replace(settings, announced=True)
        drop(settings.state)
    runner = asyncio.Runner()
    try:
        runner.run(_serve(settings, folder, bridge_id))
    except asyncio.CancelledError, KeyboardInterrupt:
        _LOGGER.info("Ended")
    _leave(runner)
    return True


def _environment(flags: Namespace, running: app.App | None) -> Mapping[str, str]:
    in_file = env_file.read(flags.env_file) if flags.env_file else {}
    return {**({} if running is None else running.environment), **in_file, **os.environ}


async def _serve(settings: Settings, folder: StateFolder, bridge_id: str) -> None:
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if task is not None:
            loop.add_signal_handler(number, task.cancel)
    await Bridge(settings, folder, bridge_id).run()


def _leave(runner: asyncio.Runner) -> None:
    if threading.active_count() > 1:
        # A read or a look-up of a name that still blocks: waiting for it takes longer than an end may, and libav
        # must not be taken apart while it is in use.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    runner.close()
