"""Which PneumoScope this is."""

from importlib import metadata


def program_version() -> str:
    """Of PneumoScope itself; started from its folder it is not installed as a package."""
    try:
        return metadata.version("pneumoscope")
    except metadata.PackageNotFoundError:
        return "0.1.0"
