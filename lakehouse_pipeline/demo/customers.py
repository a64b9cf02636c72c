"""Made-up data: 10,000 customers in four files, one record in fifty broken on purpose.

The people do not exist; their addresses end in `example.com` and the like (RFC 2606).
"""

import csv
import io
import random
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

from lakehouse_pipeline.demo.missing import DemoMissingError

SEED = 20130101
BATCHES = 4
RECORDS_PER_BATCH = 2_500
ONE_BROKEN_IN = 50

COLUMNS = (
    "customer_id",
    "name",
    "email",
    "phone",
    "birth_date",
    "country",
    "plan",
    "monthly_spend",
    "signed_up",
    "newsletter",
)
COUNTRIES = {"DE": "de_DE", "ES": "es_ES", "FR": "fr_FR", "GB": "en_GB", "PL": "pl_PL"}
DIALLING_CODES = {"DE": "49", "ES": "34", "FR": "33", "GB": "44", "PL": "48"}
PLANS = ("free", "basic", "pro")

Record = dict[str, str]


def write_customers(folder: Path) -> list[Path]:
    """Write `customers-1.csv` to `-4.csv` and return their paths.

    Every fiftieth record breaks a rule of `customers.yaml`, 50 in each file: a value that is
    missing, of another type, not in the list, not of the pattern, out of range, there twice, or a
    line with a field too few, a field too many or a quote that is never closed.
    """
    if find_spec("faker") is None:
        raise DemoMissingError("Faker")
    people = _people()
    chance = random.Random(SEED)  # noqa: S311 - demo data, not secrets
    first = 100_001
    paths = []
    for number in range(1, BATCHES + 1):
        ids = range(first, first + RECORDS_PER_BATCH)
        records = [_record(customer_id, people, chance) for customer_id in ids]
        path = folder / f"customers-{number}.csv"
        path.write_text("".join(_lines(records)), "utf-8", newline="")
        paths.append(path)
        first += RECORDS_PER_BATCH
    return paths


def _people() -> dict[str, Callable[[], str]]:
    """Return for each country a function that gives the next name."""
    from faker import Faker  # noqa: PLC0415 - an optional package, looked up by the caller

    fakers = {country: Faker(locale) for country, locale in COUNTRIES.items()}
    for number, faker in enumerate(fakers.values()):
        faker.seed_instance(SEED + number)
    return {country: _namer(faker.first_name, faker.last_name) for country, faker in fakers.items()}


def _namer(first: Callable[[], str], last: Callable[[], str]) -> Callable[[], str]:
    return lambda: f"{first()} {last()}"


def _record(
    customer_id: int, people: dict[str, Callable[[], str]], chance: random.Random
) -> Record:
    country = chance.choice(sorted(COUNTRIES))
    name = people[country]()
    plan = chance.choices(PLANS, weights=(6, 3, 1))[0]
    cents = 0 if plan == "free" else chance.randrange(500, 20_000)
    values = (
        str(customer_id),
        name,
        f"{_ascii(name)}.{customer_id}@example.{chance.choice(('com', 'net', 'org'))}",
        f"+{DIALLING_CODES[country]} {chance.randrange(100, 999)} {chance.randrange(10**6, 10**7)}",
        _day(chance, date(1940, 1, 1), date(2005, 12, 31)),
        country,
        plan,
        f"{cents // 100}.{cents % 100:02}",
        _day(chance, date(2020, 1, 1), date(2025, 12, 31)),
        chance.choice(("true", "false")),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower().replace("ł", "l").replace("ß", "ss"))
    return ".".join(
        "".join(c for c in word if c in "abcdefghijklmnopqrstuvwxyz") for word in plain.split()
    )


def _day(chance: random.Random, first: date, last: date) -> str:
    return (first + timedelta(days=chance.randrange((last - first).days + 1))).isoformat()


def _lines(records: list[Record]) -> list[str]:
    """Return the lines of one file, every fiftieth record broken in the next of the ways."""
    lines = [_line(COLUMNS)]
    for number, record in enumerate(records, start=1):
        turn, rest = divmod(number, ONE_BROKEN_IN)
        if rest:
            lines.append(_line(record.values()))
        else:
            lines.append(_WAYS[turn % len(_WAYS)](record, records[number - 2]))
    return lines


def _line(values: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)  # type: ignore[arg-type]
    return text.getvalue()


def _with(column: str, value: str) -> Callable[[Record, Record], str]:
    return lambda record, _: _line({**record, column: value}.values())


def _same_id_as_before(record: Record, before: Record) -> str:
    return _line({**record, "customer_id": before["customer_id"]}.values())


def _cut_short(record: Record, _before: Record) -> str:
    return _line(list(record.values())[:6])


def _one_field_too_many(record: Record, _before: Record) -> str:
    return _line([*record.values(), "call back"])


def _quote_never_closed(record: Record, _before: Record) -> str:
    return _line(record.values()).replace(record["name"], f'"{record["name"]}', 1)


_WAYS: tuple[Callable[[Record, Record], str], ...] = (
    _with("email", ""),
    _with("email", "no address given"),
    _with("country", "Atlantis"),
    _with("monthly_spend", "-12.50"),
    _same_id_as_before,
    _cut_short,
    _with("signed_up", "2024-02-30"),
    _with("plan", "premium"),
    _with("monthly_spend", "n/a"),
    _with("phone", "unknown"),
    _one_field_too_many,
    _with("newsletter", "maybe"),
    _with("birth_date", "1840-05-01"),
    _quote_never_closed,
)
