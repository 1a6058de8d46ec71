"""Every key of ``insights.yaml``, once: what it may hold, and which keys go together."""

from collections.abc import Collection, Iterator, Mapping
from datetime import time
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag

from pipelines.settings.rooms import Room
from pipelines.settings.values import (
    TAG,
    Certificates,
    Date,
    Domain,
    ExistingFile,
    HostUrl,
    HttpsUrl,
    Identifier,
    Keys,
    Mailbox,
    OpenHours,
    Place,
    Text,
    TimeOfDay,
    VariableName,
    ZoneName,
    after,
    is_webhook_url,
    key_shown,
    must,
    section,
)
from transforms.contract import CAPACITY_BANDS, Region
from transforms.local_time import DEFAULT_OPEN_HOURS, Closure
from warehouse.targets import Measure, Target

MOST_DAYS: Final = 1080
"""The most days back, or ahead, that may be configured: the lake has a file for each day."""
MOST_BOOKINGS: Final = 1_000_000
"""The largest group that may be configured: more would show nothing of any region."""
_CLOUDS: Final[Mapping[str, tuple[str, str]]] = {
    "global": ("https://graph.microsoft.com", "https://login.microsoftonline.com"),
    "usgov": ("https://graph.microsoft.us", "https://login.microsoftonline.us"),
    "dod": ("https://dod-graph.microsoft.us", "https://login.microsoftonline.us"),
    "china": ("https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}
"""Where Graph and its sign-in service are in each of Microsoft's clouds."""
_PASSWORD: Final = ("username", "password_env")
_APP: Final = ("tenant_id", "client_id")
_PROOF: Final = ("client_secret_env", "certificate_file", "certificate_password_env")
_BANDS: Final = tuple(band.label for band in CAPACITY_BANDS)
_MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
_KIND: Final = must("kind", ("ews", "graph").__contains__, BeforeValidator)
_Wrong: TypeAlias = Iterator[tuple[str, str]]


class _Exchange(Keys):
    """The keys of an exchange of any protocol; paths of files are absolute, and the files exist.

    ``name`` is its key in the YAML, ``origin`` the file and key for messages. Each kind names the
    classes that read and check it; they are imported when an exchange of that kind is opened.
    """

    name: str = Field(default="", exclude=True)
    origin: str = Field(default="", exclude=True)
    ca_file: Certificates | None = None
    workers: int = Field(default=4, ge=1, le=27)
    room_deadline_seconds: int = Field(default=120, ge=1, le=3600)
    scope_probe: Mailbox | None = Field(default=None, repr=False)
    client_secret_env: VariableName | None = None
    certificate_file: ExistingFile | None = None
    certificate_password_env: VariableName | None = None


class EwsExchange(_Exchange):
    """An entry of a region's ``exchanges`` with ``kind: ews``."""

    source: ClassVar = "pipelines.sources.ews:EwsSource"
    check: ClassVar = "pipelines.sources.ews_check:EwsCheck"
    kind: Annotated[Literal["ews"], _KIND]
    endpoint: HttpsUrl
    auth: Literal["basic", "ntlm", "oauth"]
    access: Literal["impersonation", "delegate"] = "impersonation"
    username: Text | None = Field(default=None, repr=False)
    password_env: VariableName | None = None
    tenant_id: Text | None = None
    client_id: Text | None = None
    authority: HttpsUrl = "https://login.microsoftonline.com"

    @property
    def account(self) -> str | None:
        """Who signs in: an app's id or a user's name; it must never be logged."""
        return self.client_id if self.auth == "oauth" else self.username

    @classmethod
    def _together(cls, values: Mapping[str, object]) -> _Wrong:
        auth = values.get("auth")
        if auth not in ("basic", "ntlm", "oauth"):
            return
        app_only = (*_APP, *_PROOF, "authority")
        needed, excluded = (_APP, _PASSWORD) if auth == "oauth" else (_PASSWORD, app_only)
        for key in needed:
            if key not in values:
                yield key, f"is missing; auth: {auth} needs it"
        for key in excluded:
            if key in values:
                yield key, f"does not go with auth: {auth}; remove it"
        if auth == "oauth":
            yield from _without_one_proof(values, "auth: oauth")


class GraphExchange(_Exchange):
    """An entry with ``kind: graph``; ``endpoint`` and ``authority`` win over the cloud's own."""

    source: ClassVar = "pipelines.sources.graph:GraphSource"
    check: ClassVar = "pipelines.sources.graph_check:GraphCheck"
    kind: Annotated[Literal["graph"], _KIND]
    tenant_id: Text
    client_id: Text
    cloud: Literal["global", "usgov", "dod", "china"] = "global"
    endpoint: HostUrl = Field(default_factory=lambda keys: _CLOUDS[keys["cloud"]][0])
    authority: HttpsUrl = Field(default_factory=lambda keys: _CLOUDS[keys["cloud"]][1])
    # An operator cannot choose these: an app signs in, with the right to read calendars.
    auth: ClassVar[Literal["oauth"]] = "oauth"
    access: ClassVar[str] = "Calendars.Read"

    @property
    def account(self) -> str:
        """The app's id."""
        return self.client_id

    @classmethod
    def _together(cls, values: Mapping[str, object]) -> _Wrong:
        return _without_one_proof(values, "kind: graph")


def _without_one_proof(values: Mapping[str, object], needed_by: str) -> _Wrong:
    has_secret, has_certificate = "client_secret_env" in values, "certificate_file" in values
    if has_secret and has_certificate:
        yield "client_secret_env", "stands beside certificate_file; keep one of them"
    if not has_secret and not has_certificate:
        yield "client_secret_env", f"is missing; {needed_by} needs it, or certificate_file"
    if "certificate_password_env" in values and not has_certificate:
        yield "certificate_password_env", "needs certificate_file; add it, or remove this"


def _tag(values: object) -> str:
    """Return the tag of the model for an exchange; if its kind is wrong, the likelier one."""
    keys = values if isinstance(values, dict) else {"kind": getattr(values, "kind", None)}
    is_likely = "tenant_id" in keys and "auth" not in keys and keys.get("kind") != "ews"
    return TAG + ("graph" if is_likely or keys.get("kind") == "graph" else "ews")


ExchangeSettings: TypeAlias = Annotated[
    Annotated[EwsExchange, Tag(TAG + "ews")] | Annotated[GraphExchange, Tag(TAG + "graph")],
    Discriminator(_tag),
]


class WebhookKeys(Keys):
    """A receiver of JSON over HTTPS; ``url_env`` is for a URL that is a secret (chat services)."""

    url: Annotated[str | None, must("webhook", is_webhook_url)] = Field(default=None, repr=False)
    url_env: VariableName | None = None
    ca_file: Certificates | None = None

    @classmethod
    def _together(cls, values: Mapping[str, object]) -> _Wrong:
        if ("url" in values) == ("url_env" in values):
            yield "url_env", "is needed, or url; name one of the two"


class EmailKeys(Keys):
    """A mail server, the way it starts TLS, the sender and the recipients."""

    host: Annotated[Text, must("host", str.isprintable), must("host", "[^ /:@]*")]
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: Literal["starttls", "implicit"] = "starttls"
    sender: Mailbox = Field(alias="from", repr=False)
    recipients: list[Mailbox] = Field(alias="to", min_length=1, repr=False)
    username: Text | None = Field(default=None, repr=False)
    password_env: VariableName | None = None
    ca_file: Certificates | None = None

    @classmethod
    def _together(cls, values: Mapping[str, object]) -> _Wrong:
        if ("username" in values) != ("password_env" in values):
            yield "password_env", "goes with username; name both or none"


class AlertSettings(Keys):
    """Whom to notify of a failed or partial night, or of nothing read in ``stale_after_hours``."""

    webhook: WebhookKeys | None = None
    email: EmailKeys | None = None
    stale_after_hours: int = Field(default=30, ge=1, le=24 * 365)

    @classmethod
    def _together(cls, values: Mapping[str, object]) -> _Wrong:
        if "webhook" not in values and "email" not in values:
            yield "", "names nobody to tell; add webhook or email"


class _ClosureKeys(Keys):
    needs_values: ClassVar = True  # without a building, it closes all
    first_date: Date = Field(alias="from")
    last_date: Annotated[Date, after("first_date", "is before from; swap them", or_equal=True)] = (
        Field(alias="to")
    )
    site: Text | None = None
    building: Text | None = None
    room_id: Text | None = None

    @classmethod
    def closure(cls, value: object) -> Closure:
        return Closure(**dict(cls.model_validate(value)))


class _TargetKeys(Keys):
    needs_values: ClassVar = True
    building: Text | None = None
    capacity_band: Text | None = None
    sold_out_days_at_most: int | None = Field(default=None, ge=0, le=31)
    utilization_percent_at_least: int | None = Field(default=None, ge=1, le=100)
    seats_used_percent_at_least: int | None = Field(default=None, ge=1, le=100)

    @classmethod
    def _together(cls, values: Mapping[str, object]) -> _Wrong:
        if len(set(values) & set(_MEASURES)) != 1:
            yield "", f"needs one limit: {' or '.join(_MEASURES)}"
        if "building" not in values and "capacity_band" not in values:
            yield "", "names no rooms; add building, capacity_band or both"
        if values.get("capacity_band", "1") not in _BANDS:
            yield "capacity_band", f"unknown; use {', '.join(_BANDS)}"

    @classmethod
    def target(cls, value: object) -> Target:
        keys = dict(cls.model_validate(value))
        (measure,) = (name for name in _MEASURES if keys[name] is not None)
        return Target(measure, keys[measure], keys["building"], keys["capacity_band"])


class RegionSettings(Keys):
    """A region of ``insights.yaml``: paths are absolute, every room has its exchange and hours.

    ``rooms`` is the path of the room directory in the YAML; here it is the rooms as they are
    today. ``directory`` has all rows of a room, one for each ``valid_from``. ``minimum_group`` is
    the region's own, or the global one.
    """

    region: Region = Field(default="", exclude=True)
    directory: tuple[Room, ...] = Field(default=(), exclude=True, repr=False)
    time_zone: ZoneName
    nightly_at: TimeOfDay = time(2, 30)
    lake: Place
    warehouse: Place
    rooms: Annotated[
        tuple[Room, ...], must("path", lambda rooms: isinstance(rooms, tuple), BeforeValidator)
    ]
    open_hours: OpenHours = DEFAULT_OPEN_HOURS
    accepted_domains: Annotated[frozenset[Domain], Field(strict=False)] = frozenset()
    headcount: bool = True
    minimum_group: int = Field(default=0, ge=1, le=MOST_BOOKINGS)
    closures: Annotated[
        tuple[Annotated[Closure, BeforeValidator(_ClosureKeys.closure)], ...], Field(strict=False)
    ] = ()
    targets: Annotated[
        tuple[Annotated[Target, BeforeValidator(_TargetKeys.target)], ...], Field(strict=False)
    ] = ()
    exchanges: Annotated[dict[Identifier, ExchangeSettings], BeforeValidator(section)]

    def kinds_of(self, room_ids: Collection[str]) -> frozenset[str]:
        """Return the kinds of the exchanges that have these rooms; all kinds if none has."""
        names = {room.exchange for room in self.rooms if room.room_id in room_ids}
        kinds = {name: exchange.kind for name, exchange in self.exchanges.items()}
        return frozenset(kinds[name] for name in names & kinds.keys()) or frozenset(kinds.values())


class SparkKeys(Keys):
    """The Spark that builds the databases; without ``master`` the environment decides which."""

    master: Text | None = None
    worker_memory: Annotated[str, must("memory", r"[1-9]\d{0,4} ?(MB|GB)")] = "2GB"
    shards: int | None = Field(default=None, ge=1, le=100_000)
    conf: dict[str, str] = Field(default_factory=dict, repr=False)

    @classmethod
    def _together(cls, values: Mapping[str, object]) -> _Wrong:
        conf = values.get("conf")
        for key in conf if isinstance(conf, dict) else ():
            if not str(key).startswith("spark."):
                yield "conf", f"{key_shown(key)} is no setting of Spark; they begin with spark."


class Settings(Keys):
    """The content of ``insights.yaml``, without regions that this process does not load."""

    trailing_days: int = Field(default=14, ge=0, le=MOST_DAYS)
    ahead_days: int = Field(default=180, ge=0, le=MOST_DAYS)
    retention_months: int = Field(default=13, ge=1, le=1200)
    minimum_group: int = Field(default=5, ge=1, le=MOST_BOOKINGS)
    count_held_as_booked: bool = False
    keep_versions: int = Field(default=7, ge=1)
    export_parquet: bool = True
    output: Literal["database", "parquet"] = "database"
    pointer: Literal["symlink", "copy"] = "symlink"
    run_deadline_minutes: int = Field(default=300, ge=1, le=1440)
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark: SparkKeys | None = None
    alerts: AlertSettings | None = None
    reports: EmailKeys | None = None
    regions: dict[Region, RegionSettings]

    @classmethod
    def _together(cls, values: Mapping[str, object]) -> _Wrong:
        if values.get("output") == "parquet" and values.get("export_parquet") is False:
            yield "export_parquet", "false leaves nothing with output: parquet; remove it"
