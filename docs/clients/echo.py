"""Asks a running Relais, with nats.py: python echo.py SERVER CREDS USER_ID TEXT

`relais whoami --json` says all three. The inbox prefix is what keeps answers private: each user may listen
under its own and nobody else's.
"""

import asyncio
import sys

import nats


async def main(server: str, creds: str, user: str, text: str) -> None:
    nc = await nats.connect(server, user_credentials=creds, inbox_prefix=f"_INBOX.{user}".encode())
    # EchoRequest and EchoResponse have one string, field 1: a tag byte, the length, the text. With generated
    # classes (protoc --python_out) this is EchoRequest(message=text).SerializeToString().
    request = bytes([0x0A, len(text.encode())]) + text.encode()
    answer = await nc.request(f"from.{user}.echo.identified", request, timeout=5)
    if code := (answer.headers or {}).get("Nats-Service-Error-Code"):
        sys.exit(f"{code}: {answer.headers['Nats-Service-Error']}")
    print(answer.data[2:].decode())
    await nc.drain()


asyncio.run(main(*sys.argv[1:]))
