"""Serve: where a server may listen, and under which conditions it starts at all."""

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from foveal.annotate.app import guarded
from foveal.annotate.desk import Desk
from foveal.annotate.security import MEGABYTE, Rules, host_names
from foveal.core.errors import SpecError, StoreError
from foveal.store.accounts import Account

UPLOADS = 200 * MEGABYTE
BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and how to listen; `names` are further host names that it answers to."""

    host: str = "127.0.0.1"
    port: int = 8765
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS."""
        return self.certificate is not None or self.behind_proxy

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def check_safe(listen: Listen, accounts: Sequence[Account]) -> None:
    """Refuse to start where passwords or images could be read on the way.

    Raises:
        StoreError: beyond this machine without TLS, or without anybody who has a password.
    """
    if listen.loopback:
        return
    if not listen.secure:
        raise StoreError(
            f"a server that others reach ({listen.host}) must not send images and passwords in "
            "clear text; give --certificate and --key, or --behind-proxy if a proxy adds TLS"
        )
    if not any(one.enabled and one.has_password for one in accounts):
        raise StoreError(
            "a server that others reach needs accounts with passwords, but there are none; add one "
            "with `foveal accounts PROJECT add NAME --role admin --password`"
        )


def check_certificate(listen: Listen) -> None:
    """See that TLS can be had of what was given.

    Raises:
        SpecError: if there is a key, but nothing that it belongs to.
        StoreError: if there is a certificate that cannot be used.
    """
    if listen.certificate is None:
        if listen.key is not None:
            raise SpecError(
                f"--key is that of a certificate, but {listen.key.name!r} was given without one, "
                "so that there would be no TLS; give --certificate too, or leave --key out"
            )
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(listen.certificate, listen.key)
    except OSError as error:  # SSLError too
        raise StoreError(
            f"a certificate must be a PEM file with its key, but {listen.certificate.name!r} "
            f"cannot be used: {error.strerror or error}; correct --certificate and --key"
        ) from error


def server(desk: Desk, listen: Listen) -> uvicorn.Server:
    """A server for one project, ready to `run` on a socket."""
    rules = Rules(host_names(listen.host, listen.names), limits=(("/api/v1/import/", UPLOADS),))
    config = uvicorn.Config(
        guarded(desk, rules),
        log_level="warning",
        lifespan="off",
        ws="none",
        timeout_keep_alive=30,
        access_log=False,
        server_header=False,
        proxy_headers=listen.behind_proxy,
        ssl_certfile=listen.certificate,
        ssl_keyfile=listen.key,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


def bound(listen: Listen) -> socket.socket:
    """A socket that listens; port 0 takes a free one.

    Raises:
        StoreError: if the port is taken or the address is none of this machine's.
    """
    made = socket.socket(socket.AF_INET6 if ":" in listen.host else socket.AF_INET)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((listen.host, listen.port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise StoreError(
            f"could not listen on {listen.host}:{listen.port}: {error.strerror}; choose another "
            "--port"
        ) from error
    return made
