"""Who asks, and what no pattern can say, for schemathesis.

Each operation is asked by an admin of its own, whom nobody misses: what one operation does to who asks (logging out, leaving) does
not come in the way of the others. The first admin is told by RELAIS_SERVER, RELAIS_EMAIL and RELAIS_PASSWORD.
"""

import base64
import binascii
import json
import os
import secrets
import urllib.error
import urllib.request

import schemathesis
from hypothesis import strategies as st

SERVER = os.environ["RELAIS_SERVER"]


def ask(method, path, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {path}: {error.code} {error.read()!r}") from None
    return json.loads(text) if text else None


def login(email, password):
    return ask("POST", "/login", {"email": email, "password": password})


def another_user():
    email, password = f"{secrets.token_hex(8)}@example.org", secrets.token_hex(16)
    return ask("POST", "/register", {"email": email, "password": password})["id"], email, password


def another_admin():
    user, email, password = another_user()
    ask("PATCH", f"/users/{user}", {"admin": True}, FIRST["access_token"])
    return login(email, password)["access_token"]


# Who makes the others; the token holds longer than this runs.
FIRST = login(os.environ["RELAIS_EMAIL"], os.environ["RELAIS_PASSWORD"])


def operation(case, _context):
    return case.operation.definition.raw["operationId"]


@schemathesis.auth(refresh_interval=5, cache_by_key=operation)
class Admin:
    def get(self, case, context):
        return another_admin()

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


def nkey(prefix, raw):
    """A public key: a letter's worth of prefix, 32 bytes, and CRC-16/XMODEM of both, in base 32."""
    body = bytes([prefix << 3]) + raw
    return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).decode()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Whoever is to be deleted or changed, it is not the first admin."""
    if (case.path_parameters or {}).get("id") in (FIRST["user_id"], FIRST["device_id"]):
        case.path_parameters["id"] = another_user()[0]


# The last two bytes are a sum over the others, which no pattern can say.
# Of users (U) and of accounts (A).
schemathesis.openapi.format("nkey", st.builds(nkey, st.sampled_from([20, 0]), st.binary(min_size=32, max_size=32)))
# Of topics one may hear those that there are, by the setting of the server that is asked.
TOKEN = r"(\{user\}|\*|[!-)+-\-/-=?-z|~]{1,12})"
OWN = rf"(to|_INBOX)\.\{{user\}}(\.{TOKEN}){{0,3}}\.(>|{TOKEN})"
schemathesis.openapi.format("heard-subject", st.just("topic.news.*") | st.from_regex(OWN, fullmatch=True))
