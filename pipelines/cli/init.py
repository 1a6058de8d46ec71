"""``insights init``: the questions, and the configuration and room directory to start from."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import click
from pydantic import TypeAdapter, ValidationError

from pipelines.check.run import run_check, write_directory
from pipelines.cli import FILE, FOLDER, NOTHING, WHOLE, region_name
from pipelines.settings import SettingsError, load_settings
from pipelines.settings.values import Domain, HttpsUrl, Text, VariableName, ZoneName
from pipelines.texts import render
from transforms.contract import Region

_Check: TypeAlias = Callable[[str], Any]


def _of(kind: Any) -> _Check:  # noqa: ANN401 - a type as pydantic takes it
    """Return a check that turns an answer into a value of that type, or says what is wrong."""

    def check(text: str) -> object:
        try:
            return TypeAdapter(kind).validate_python(text.strip())
        except ValidationError as error:
            context = error.errors(include_url=False, include_input=False)[0].get("ctx", {})
            raise click.BadParameter(str(context.get("error", "is empty; fill it in"))) from None

    return check


def _one_of(*words: str) -> _Check:
    choice = click.Choice(words, case_sensitive=False)
    return lambda text: choice.convert(text.strip(), None, None)


def _domains(text: str) -> list[str]:
    return [str(_of(Domain)(domain)) for domain in text.split(",") if domain.strip()]


class _Answers:
    """The values of the options; a terminal is asked for those that are missing."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options

    def has(self, name: str) -> bool:
        """Return whether an option was given."""
        return self._options[name] is not None

    def get(self, name: str, question: str, check: _Check, default: str | None = None) -> Any:  # noqa: ANN401 - as the check returns it
        """Return one answer.

        Raises:
            click.UsageError: it is wrong, or it is missing and there is no terminal to ask.
        """
        option = f"--{name.replace('_', '-')}"
        given = self._options[name]
        if given is None and sys.stdin.isatty():
            return click.prompt(question, default, value_proc=check)
        if given is None and default is None:
            raise click.UsageError(f"{option} is missing; add it ({question})")
        try:
            return check(str(default if given is None else given))
        except click.BadParameter as error:
            raise click.UsageError(f"{option}: {error.message}") from None


@click.command()
@click.argument("directory", type=FOLDER, default=Path(), metavar="[DIR]")
@click.option("--region", metavar="REGION", help="A name of your own, such as EU.")
@click.option("--time-zone", metavar="ZONE", help="Of the region, such as Europe/Copenhagen.")
@click.option("--kind", metavar="ews|graph", help="How Exchange is read.")
@click.option("--endpoint", metavar="URL", help="Of EWS; of Graph if it is not Microsoft's.")
@click.option("--auth", metavar="basic|ntlm|oauth", help="How EWS lets you in; default: basic.")
@click.option("--username", metavar="NAME", help="The account, with basic or ntlm.")
@click.option("--tenant-id", metavar="ID", help="With graph, or oauth.")
@click.option("--client-id", metavar="ID", help="Of the app, with graph or oauth.")
@click.option("--authority", metavar="URL", help="The sign-in service, if not Microsoft's.")
@click.option("--secret-env", metavar="NAME", help="The environment variable of the secret.")
@click.option("--ca-file", type=FILE, help="PEM file of your own certificate authority.")
@click.option("--domain", metavar="DOMAINS", help="Your mail domains, with commas between.")
@click.option("--write-rooms", is_flag=True, help="Sign in now, and list the rooms in the CSV.")
def init(directory: Path, write_rooms: bool, **options: str | Path | None) -> int:
    """Write an insights.yaml and a room CSV to start from, asked or by options.

    Nothing that exists is written over. A secret is never written: with --write-rooms it is read
    from its environment variable, or asked on a terminal.
    """
    config = directory / "insights.yaml"
    _refuse_existing(config)
    values = _values(_Answers(options), directory)
    rooms = directory / values["rooms"]
    _refuse_existing(rooms)
    config.parent.mkdir(parents=True, exist_ok=True)
    with config.open("x", encoding="utf-8") as file:
        file.write(render("insights.yaml.j2", **values))
    try:  # read it as every command will, and delete it if it is wrong
        settings = load_settings(config, None, is_seeding=True)
    except SettingsError:
        config.unlink()
        raise
    click.echo(f"{config}: written")
    if not write_rooms and sys.stdin.isatty():
        write_rooms = click.confirm("Sign in now, and list the rooms?", default=True)
    code, secret_env = WHOLE, values["secret_env"]
    if write_rooms and not os.environ.get(secret_env) and sys.stdin.isatty():
        question = f"Secret for this once (later from {secret_env})"
        os.environ[secret_env] = click.prompt(question, hide_input=True)
    if not write_rooms:
        write_directory(rooms, [])
        click.echo(f"{rooms}: written without rooms; add one a line")
    elif os.environ.get(secret_env):
        is_well = run_check(settings, [values["region"]], write_rooms_to=rooms)
        code = WHOLE if is_well else NOTHING
    else:
        click.echo(f"{secret_env} is not set: no room was listed", err=True)
    _show_next(config, values["region"], secret_env, rooms, is_listed=write_rooms)
    return code if rooms.exists() else NOTHING


def _refuse_existing(file: Path) -> None:
    if os.path.lexists(file):
        text = "exists, and is never written over; name another folder, or edit the file"
        raise click.UsageError(f"{file}: {text}")


def _values(answers: _Answers, directory: Path) -> dict[str, Any]:
    """Return the template's values; ask for missing ones in the order of the file."""
    region = answers.get("region", "Region: a name of your own, such as EU", region_name)
    time_zone = answers.get("time_zone", "Time zone, such as Europe/Copenhagen", _of(ZoneName))
    kinds = _one_of("ews", "graph")
    kind = answers.get("kind", "Exchange over ews, or Exchange Online over graph", kinds)
    exchange: dict[str, str] = {"kind": kind}
    if kind == "ews":
        question = "EWS address, such as https://mail.contoso.example/EWS/Exchange.asmx"
        exchange["endpoint"] = answers.get("endpoint", question, _of(HttpsUrl))
        auths = _one_of("basic", "ntlm", "oauth")
        exchange["auth"] = answers.get("auth", "Sign in with basic, ntlm or oauth", auths, "basic")
    is_app = exchange.get("auth", "oauth") == "oauth"
    if is_app:
        exchange["tenant_id"] = answers.get("tenant_id", "Tenant id", _of(Text))
        exchange["client_id"] = answers.get("client_id", "Client id of the app", _of(Text))
    else:
        exchange["username"] = answers.get("username", "Account that reads rooms", _of(Text))
    for name in ("endpoint", "authority"):
        if is_app and answers.has(name):
            exchange[name] = answers.get(name, name, _of(HttpsUrl))
    secret = "client_secret_env" if is_app else "password_env"
    variable = f"INSIGHTS_{region}_{'CLIENT_SECRET' if is_app else 'PASSWORD'}"
    question = "Environment variable of the secret"
    exchange[secret] = answers.get("secret_env", question, _of(VariableName), variable)
    if answers.has("ca_file"):
        ca_file = answers.get("ca_file", "ca_file", str)
        exchange["ca_file"] = os.path.relpath(ca_file, directory)
    domain = exchange.get("username", "").partition("@")[2]
    domains = answers.get("domain", "Your mail domains, with commas between", _domains, domain)
    return {
        "region": region,
        "folder": region.lower(),
        "time_zone": time_zone,
        "kind": kind,
        "exchange": exchange,
        "domains": domains,
        "rooms": f"rooms-{region.lower()}.csv",
        "secret_env": exchange[secret],
    }


def _show_next(
    config: Path, region: Region, secret_env: str, rooms: Path, *, is_listed: bool
) -> None:
    """Print what to type next."""
    option = "" if config == Path("insights.yaml") else f" --config {shlex.quote(str(config))}"
    click.echo("\nNext:")
    if not is_listed:
        click.echo(f"  add your rooms to {shlex.quote(str(rooms))}")
    if not os.environ.get(secret_env) or sys.stdin.isatty():
        click.echo(f"  export {secret_env}=...")
    check = f"  insights check{option}"
    if is_listed and not rooms.exists():
        click.echo(f"{check} --region {region} --write-rooms {shlex.quote(str(rooms))}")
        return
    if is_listed:
        try:
            load_settings(config, None)
        except SettingsError as error:
            cells = "a cell" if len(error.problems) == 1 else f"{len(error.problems)} cells"
            click.echo(f"  fill in {cells} of {shlex.quote(str(rooms))}; check says which")
    click.echo(check)
    click.echo(f"  insights run{option} --region {region}")
