# A real SMTP server for the tests: aiosmtpd with STARTTLS and TLS, and a sign-in
# that is demanded. It keeps what it takes as files. Whoever's name begins with
# "refused" is refused for good, "busy" the first time only.
import asyncio, os, ssl, sys, time
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

plain, tls, cert, key, passwords, inbox = sys.argv[1:7]
known = dict(line.split() for line in open(passwords))
seen = set()


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 nobody of this name here"
        if address.startswith("busy") and address not in seen:
            seen.add(address)
            return "451 4.3.0 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = os.path.join(inbox, "%020d" % time.time_ns())
        with open(name + ".part", "wb") as f:
            f.write(envelope.content)
        os.rename(name + ".part", name + ".eml")
        return "250 taken"


def sign_in(server, session, envelope, mechanism, data):
    ok = isinstance(data, LoginPassword) and known.get(data.login.decode()) == data.password.decode()
    return AuthResult(success=ok)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(cert, key)


def starttls():
    return SMTP(Handler(), tls_context=context, require_starttls=True, authenticator=sign_in, auth_required=True)


def wrapped():
    return SMTP(Handler(), authenticator=sign_in, auth_required=True, auth_require_tls=False)


async def main():
    loop = asyncio.get_running_loop()
    host, port = plain.split(":")
    await loop.create_server(starttls, host, int(port))
    host, port = tls.split(":")
    await loop.create_server(wrapped, host, int(port), ssl=context)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
