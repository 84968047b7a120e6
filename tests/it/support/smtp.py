"""An SMTP server for tests, on aiosmtpd: what it is told in one argument of JSON, what arrives on standard output.

The recipient says what becomes of a mail: refused@, later@ and spam@ are answered so; drop@ ends the connection after the
text, stuck@ never answers it, and says {"at": "text"} when it has come, stays@ never answers the good-bye. A line on standard input asks for all mails.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

told = json.loads(sys.argv[1])
mails = []
connections = set()


def say(what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if address == told.get("refused_sender"):
            return "550 5.7.1 you may not send from there"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 nobody of that name here"
        if address.startswith("later@"):
            return "450 4.2.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        if to.startswith("spam@"):
            return "554 5.7.1 \x1b[31mthis is spam"
        if to.startswith("drop@"):
            server.transport.abort()
            return "250 OK"
        if to.startswith("stuck@"):
            say({"at": "text"})
            await asyncio.Event().wait()
        server.stays = to.startswith("stays@")
        read = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        mails.append(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "hello": session.host_name,
                "tls": session.ssl is not None or told["door"] == "implicit",
                "user": session.auth_data.login.decode() if session.auth_data else None,
                "subject": str(read["subject"]),
                "body": read.get_content().replace("\r\n", "\n"),
                "headers": {name.lower(): str(value) for name, value in read.items()},
            }
        )
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):
        if server.stays:
            await asyncio.Event().wait()
        return "221 Bye"


def known(server, session, envelope, mechanism, data):
    right = [data.login.decode(), data.password.decode()] == told["login"]
    return AuthResult(success=right, handled=False, auth_data=data)


class Server(SMTP):
    stays = False

    def connection_made(self, transport):
        connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error):
        connections.discard(self)
        super().connection_lost(error)

    async def push(self, status):
        # Whoever stands between puts an answer of their own behind this one, in the same packet.
        if told.get("injects") and status == "220 Ready to start TLS":
            status += "\r\n250-mitm.example\r\n250 AUTH PLAIN"
        await super().push(status)


def serve():
    context = None
    if told["door"] != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(told["certificate"], told["key"])
    login = told.get("login")
    return Server(
        Handler(),
        hostname="smtp.test",
        tls_context=context if told["door"] == "starttls" else None,
        require_starttls=told["door"] == "starttls",
        auth_required=login is not None,
        auth_require_tls=told["door"] == "starttls",
        auth_exclude_mechanism=["PLAIN"] if told.get("login_only") else None,
        authenticator=known if login else None,
    ), context


def asked():
    if sys.stdin.readline():
        say({"mails": mails, "connections": len(connections)})
    else:
        sys.exit(0)


async def main():
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, asked)
    implicit = serve()[1] if told["door"] == "implicit" else None
    listener = await loop.create_server(lambda: serve()[0], "127.0.0.1", 0, ssl=implicit)
    say({"port": listener.sockets[0].getsockname()[1]})
    await asyncio.Event().wait()


asyncio.run(main())
