"""The pages of the running product, read as somebody who is signed in."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from http import HTTPStatus

import requests
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse

from channable.tenants.roles import Role
from tests.chaos.fleet import ROOT, Fleet
from tests.factories import member
from tests.simulators.base import wait_until
from tests.world import World


class Web:
    def __init__(self, fleet: Fleet) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        program = [sys.executable, "-m", "gunicorn", "channable.wsgi:application", "--workers", "1", "--threads", "2"]
        with (fleet.folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*program, "--bind", self.address.removeprefix("http://")],
                cwd=ROOT,
                env=fleet.environment,
                stdout=log,
                stderr=log,
            )
        wait_until(self.is_ready, 60, "the pages do not answer")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.address}/health/ready", timeout=5).status_code == HTTPStatus.OK
        except requests.RequestException:
            return False

    def unreadable(self, world: World) -> int:
        """How many records the page shows that could not be read, each with what to do about it."""
        cookies = {settings.SESSION_COOKIE_NAME: _sign_in(world)}
        address, found = f"{self.address}{reverse('orders:unreadable', args=[world.company.pk])}", 0
        while address:
            page = requests.get(address, cookies=cookies, timeout=30)
            page.raise_for_status()
            found += sum(_says_what_to_do(one) for one in page.text.split("<article")[1:])
            following = re.search(r'<a[^>]*rel="next"[^>]*href="([^"]+)"', page.text)
            address = f"{self.address}{following[1].replace('&amp;', '&')}" if following else ""
        return found


def _says_what_to_do(article: str) -> bool:
    title = re.search(r'class="cell-error">\s*[^<\s]', article)
    advice = re.search(r'<p class="muted">\s*[^<\s]', article)
    return bool(title and advice)


def _sign_in(world: World) -> str:
    """A session of an owner, as the log-in makes it."""
    user = member(world.company, Role.OWNER)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)
