"""Sign-in for the demonstration only: the accounts of one run, each with the password made for it."""

from __future__ import annotations

import hmac
import json
import secrets
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Unicode

__all__ = ["DemoAuthenticator"]


class DemoAuthenticator(Authenticator):  # type: ignore[misc]  # JupyterHub ships no types
    """Knows who is written in one file of one run; that file is private to the account that runs it."""

    accounts_file = Unicode(config=True, help="JSON of the accounts of this run.")

    async def authenticate(self, _handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """The person of a right name and password, with the groups that the settings give them."""
        account = self._accounts().get(data.get("username", ""))
        # Somebody unknown costs the same time as somebody known.
        expected = account["password"] if account else secrets.token_urlsafe(6)
        right = hmac.compare_digest(data.get("password", "").encode(), expected.encode())
        if account is None or not right:
            return None
        return {
            "name": data["username"],
            "admin": account["admin"],
            "groups": account["groups"],
            "auth_state": {"claims": {"email": account["email"], "email_verified": True}},
        }

    def _accounts(self) -> dict[str, Any]:
        accounts: dict[str, Any] = json.loads(Path(self.accounts_file).read_text(encoding="utf8"))
        return accounts
