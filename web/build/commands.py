"""The commands of ``python3 web/build``."""

import argparse
import sys

from .bench import add_options, run_bench
from .environment import enter_environment, install_node_packages
from .errors import BuildError
from .folders import DIST

BUILD_EXTRAS = {"build"}
TEST_EXTRAS = {"build", "dev", "gpu"}


def main(arguments: list[str]) -> int:
    """Run one command and return the exit status of the process."""
    options = _parser().parse_args(arguments)
    try:
        in_browser = options.command in ("test", "bench")
        enter_environment(TEST_EXTRAS if in_browser else BUILD_EXTRAS, arguments)
        install_node_packages()
        return _run(options)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 web/build", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build dist/, installing what that needs")
    start = commands.add_parser("start", help="build, then serve the playground until Ctrl-C")
    start.add_argument("--host", default="127.0.0.1", help="address to serve on (%(default)s)")
    start.add_argument("--port", type=int, help="port to serve on (8000, or a free one)")
    commands.add_parser(
        "types", help="write what is made from loom_core: the API's types, the table of kernels"
    )
    commands.add_parser("test", help="build, then run every check and test")
    add_options(commands.add_parser("bench", help="build, then measure beside other libraries"))
    return parser


def _run(options: argparse.Namespace) -> int:
    # Only now: these need packages that the environment holds and the host's Python may not.
    if options.command == "types":
        from .api_types import main as write_api_types
        from .kernel_table import main as write_kernel_table

        return write_api_types([]) or write_kernel_table([])
    from .site_folder import build_site

    if options.command == "test":
        from .c_compiler import ensure_gcc
        from .checks import run_checks
        from .chromium import ensure_chromium
        from .graphics import ensure_graphics_adapter

        ensure_chromium()
        ensure_gcc()
        ensure_graphics_adapter()
        build_site()
        return run_checks()
    build_site()
    if options.command == "bench":
        return run_bench(options)
    if options.command == "start":
        from .serve import open_server, serve_forever

        serve_forever(open_server(DIST, options.host, options.port))
    return 0
