"""The demo's commands: serve the company, write to it."""

import asyncio
import os
import re
import smtplib
import time
from email import message_from_bytes
from email.utils import formatdate, getaddresses, make_msgid, parseaddr
from functools import partial
from pathlib import Path
from socket import SO_REUSEADDR, SOL_SOCKET, socket

import click
import msgspec
from rich.console import Console as Terminal

from helpdesk.cli.demo import assistant, colleagues, content, findings, mailroom, program, seeding
from helpdesk.cli.demo.slack import arranging as slack
from helpdesk.cli.running import database
from helpdesk.cli.serving import given, run, served
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, Misconfigured
from helpdesk.settings import Settings, default_home, load

LINE_END = re.compile(rb"\r\n|\r|\n")
MESSAGE_ID = re.compile(rb"^message-id:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.IGNORECASE | re.MULTILINE)
DATE = re.compile(rb"^date:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.IGNORECASE | re.MULTILINE)


@click.group(invoke_without_command=True)
@click.option("--host", help="Where to listen; HELPDESK_HOST otherwise.")
@click.option("--port", type=int, help="HELPDESK_PORT otherwise.")
@click.pass_context
def demo(context: click.Context, host: str | None, port: int | None) -> None:
    """A company to try the desk with, and mail to it."""
    if context.invoked_subcommand:
        return
    settings = demo_settings(given(host, port))
    require_free(settings.demo_smtp_port)
    port, slack_port = program.free_port(), slack.chosen_port()
    settings = allowing(allowing(settings, port), slack_port)
    terminal = Terminal(highlight=False)
    began = time.monotonic()
    company = content.load()
    with terminal.status("Starting the private PostgreSQL") as status, database(settings) as (url, server):
        fresh = asyncio.run(seeded(settings, url, company, status.update, slack_port))
        status.stop()
        terminal.print(
            f"[green]✔[/] {company.name} is ready in {time.monotonic() - began:.0f} s"
            + ("" if fresh else ", as you left it")
        )
        run(
            served(
                settings,
                url,
                server,
                beside=[
                    mailroom.serve,
                    colleagues.work,
                    assistant.begin,
                    findings.begin,
                    partial(program.serve, port=port),
                    partial(slack.serve, company=company, port=slack_port),
                ],
                started=lambda: welcome(terminal, settings, company, slack_port),
            )
        )
    terminal.print("Stopped. Everything is kept; `make demo` goes on from here.")


def demo_settings(given: dict[str, str]) -> Settings:
    """A home of its own, so that trying the desk never touches a real one."""
    ours = {"HELPDESK_HOME": str(default_home() / "demo"), "HELPDESK_LOG_LEVEL": "error"}
    environ = ours | dict(os.environ) | given
    settings = load(environ)
    if settings.host not in {"127.0.0.1", "localhost", "::1"}:
        raise Misconfigured(
            "The demo's password is known to everybody, so it listens on 127.0.0.1 only. "
            "For others to reach the desk, set it up with `helpdesk serve`."
        )
    return allowing(settings, settings.demo_smtp_port)


def allowing(settings: Settings, port: int) -> Settings:
    """The desk may reach what the demo itself serves."""
    allowed = ",".join(filter(None, (settings.allow_hosts, f"127.0.0.1:{port}")))
    return msgspec.structs.replace(settings, allow_hosts=allowed)


def require_free(port: int) -> None:
    """Before anything starts: without its mail server the demo would only half work."""
    with socket() as probe:
        probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)  # as the server itself: what was just left is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Misconfigured(
                f"Port {port} is taken, perhaps by another demo. Stop that one, or choose another port for "
                "this one's mail: HELPDESK_DEMO_SMTP_PORT=2611 make demo"
            ) from None


async def seeded(
    settings: Settings, url: str, company: content.Company, tell: seeding.Tell, slack_port: int
) -> bool:
    desk = Desk.open(settings, url, pool=2)
    try:
        fresh = await seeding.seed(desk, company, settings.demo_smtp_port, tell)
        async with committed(desk.sessions) as session:
            await slack.connect(desk, session, company, slack_port)
        return fresh
    finally:
        await desk.close()


def welcome(terminal: Terminal, settings: Settings, company: content.Company, slack_port: int) -> None:
    admin = next(agent for agent in company.agents if agent.role == "admin")
    others = ", ".join(agent.mail for agent in company.agents if agent is not admin)
    terminal.print(
        f"""
  [bold]{settings.url}[/]
  sign in as [bold]{admin.mail}[/] with [bold]{seeding.PASSWORD}[/]
  (or as a colleague: {others})

  [bold]Try next[/]
  · write to the desk from a second terminal:  [cyan].venv/bin/helpdesk demo mail[/] lists sample mails,
    [cyan].venv/bin/helpdesk demo mail FILE.eml[/] sends one;
    any mail program can use 127.0.0.1:{settings.demo_smtp_port}
  · write as a customer in a small Slack:  [cyan]{slack.address(slack_port)}[/]
    answer the ticket in the desk, and see it in the thread there
  · write as a visitor of a site: [cyan]Settings → Chat → Try it[/], and answer in another window
  · open a ticket with j, k and Enter; use its suggested reply, edit it, send it with Ctrl+Enter,
    take it back with z
  · ask the assistant something under [cyan]Settings → Assistant → Try it[/];
    beside new tickets it suggests what it would say
  · see under Outbox what the customer got; answer it:  [cyan].venv/bin/helpdesk demo answer "Thank you!"[/]
  · press ? for all keys. The models load in the background; suggestions appear as they are made.

  Ctrl-C stops everything.
""",
        soft_wrap=True,
    )


@demo.command()
@click.argument("file", required=False)
@click.option("--as-is", is_flag=True, help="Keep Message-ID and Date: the same mail twice is one message.")
def mail(file: str | None, as_is: bool) -> None:
    """Send a mail to the running demo as a customer would; lists the samples when no file is named."""
    settings = demo_settings({})
    if file is None:
        for name, sample in content.mails().items():
            click.echo(f"{name:28} {message_from_bytes(sample.read_bytes()).get('subject', '')}")
        return
    path = Path(file) if Path(file).is_file() else content.mails().get(file.removesuffix(".eml"))
    if path is None:
        raise Invalid(
            f"There is no file {file}, and no sample of that name. `helpdesk demo mail` lists them."
        )
    raw = path.read_bytes()
    send(raw if as_is else fresh(raw), settings)
    click.echo("Sent. It is under All open in a moment.")


@demo.command()
@click.argument("text")
def answer(text: str) -> None:
    """Answer the last mail that the desk sent, as the customer who got it."""
    settings = demo_settings({})
    sent = sorted(mailroom.outbox(settings).glob("*.eml"))
    if not sent:
        raise Invalid("The desk has sent nothing yet: reply to a ticket first and wait ten seconds.")
    raw = sent[-1].read_bytes()
    got = message_from_bytes(raw)
    customer = parseaddr(str(got["to"]))[1]
    lines = [
        f"From: <{customer}>",
        f"To: {got['reply-to'] or got['from']}",
        f"Subject: {got['subject']}",
        f"Message-ID: {make_msgid(domain=customer.partition('@')[2])}",
        f"In-Reply-To: {got['message-id']}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        text,
    ]
    send("\r\n".join(lines).encode(), settings)
    click.echo(f"Answered as {customer}.")


def fresh(raw: bytes) -> bytes:
    """The same mail as if it were written now; the rest of its bytes stay as they are."""
    end = re.search(rb"\r?\n\r?\n", raw)
    head, body = (raw[: end.start()], raw[end.start() :]) if end else (raw, b"")
    head = MESSAGE_ID.sub(b"Message-ID: " + make_msgid(domain="customers.example").encode(), head, count=1)
    return DATE.sub(b"Date: " + formatdate(localtime=True).encode(), head, count=1) + body


def send(raw: bytes, settings: Settings) -> None:
    """Any mail is taken as one to the demo's inbox, whatever its To line says."""
    company = content.load()
    headers = message_from_bytes(raw)
    sender = parseaddr(str(headers.get("from", "")))[1] or "nobody@customers.example"
    ours = company.inbox.address.partition("@")
    named = [address for _, address in getaddresses([str(h) for h in headers.get_all("to", [])])]
    recipients = [a for a in named if a.endswith("@" + ours[2])] or [company.inbox.address]
    try:
        with smtplib.SMTP("127.0.0.1", settings.demo_smtp_port, timeout=30) as smtp:
            smtp.sendmail(sender, recipients, LINE_END.sub(b"\r\n", raw))
    except ConnectionRefusedError:
        raise Misconfigured(
            f"Nobody takes mail on 127.0.0.1:{settings.demo_smtp_port}. Start the demo first: `make demo`."
        ) from None
    except smtplib.SMTPException as error:
        raise Misconfigured(f"The demo did not take the mail: {error}") from None
