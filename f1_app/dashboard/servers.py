"""Where a reader of the dashboard finds the Dagster UI and MLflow, if anywhere. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def server_links(
    page: str | None, *, host: str, dagster_port: int, mlflow_port: int, mlflow_uri: str | None
) -> dict[str, str]:
    """Links by label; empty where none can be right.

    The servers bind to one address, so who reads this page on the machine itself, or on a host that all of them are
    open to, finds them there at their ports. Behind a proxy nobody knows under which name they would be, if at all. A
    password in the address of MLflow does not leave the server.

    Args:
        page: Address of the page in the reader's browser.
        host: Address that the servers bind to.
        dagster_port: Port of the Dagster UI.
        mlflow_port: Port of the MLflow server of this installation.
        mlflow_uri: Address of MLflow from the settings; only ``http`` is one that a browser can open.
    """
    links: dict[str, str] = {}
    read_at = urlsplit(page or "")
    name = read_at.hostname
    beside = bool(
        name and read_at.scheme == "http" and read_at.port and (name in LOOPBACK or host not in LOOPBACK)
    )
    base = f"http://{f'[{name}]' if name and ':' in name else name}"
    if beside:
        links["Dagster: assets and checks"] = f"{base}:{dagster_port}/assets"
        links["Dagster: runs"] = f"{base}:{dagster_port}/runs"
    remote = urlsplit(mlflow_uri or "")
    if remote.scheme in ("http", "https") and remote.hostname:
        where = remote.netloc.rpartition("@")[2]
        links["MLflow: models"] = (
            urlunsplit((remote.scheme, where, remote.path.rstrip("/"), "", "")) + "/#/models"
        )
    elif beside:
        links["MLflow: models"] = f"{base}:{mlflow_port}/#/models"
    return links
