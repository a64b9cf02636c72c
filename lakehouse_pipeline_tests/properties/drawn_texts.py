"""Texts of every type for the oracle: valid ones, the same written in other ways, near misses."""
# ruff: noqa: RUF001, SIM905 - letters and digits that look like others; lists of many short words

from collections.abc import Sequence

INTEGERS = """
    0 1 -1 7 10 127 128 -128 -129 255 32767 32768 -32768 2147483647 2147483648 -2147483648
    -2147483649 9223372036854775807 9223372036854775808 -9223372036854775808
    -9223372036854775809 340282366920938463463374607431768211455
""".split()
NUMBERS = """
    0.5 1.5 0.05 0.01 0.001 99.99 100.00 9999.99 10000 9999.995 0.30 0.35 123.456 1e3 1E-3 1e+2
    1e308 1e309 4.9e-324 1e-400 0e999 0.1 0.10000000000000001 12345678901234567
    123456789012345678 1.7e5 1.00000000000000000000 .5 5. . +. e5 1e 1e5.5 1.5e
    99999999999999999999999999999999999999 0.00000000000000000000000000000000000001 nan NaN inf
    -inf Infinity
""".split()
BOOLEANS = "true false TRUE False tRuE 1 0 yes no t f on 1.0 01".split()
DATES = """
    2024-01-05 2024-02-29 2023-02-29 2024-02-30 2024-12-31 2025-01-01 1900-02-29 2000-02-29
    0000-01-01 0001-01-01 9999-12-31 10000-01-01 2024-1-5 2024-13-01 2024-00-10 20240105
    2024/01/05 -2024-01-05 05.01.2024 5.1.2024 31.12.2024 29.02.2023 05.01.24 05.01.68 05.01.69
    01/05/2024 13/05/2024 05-Jan-2024 05-jan-2024 05-Foo-2024 05-Mär-2024
""".split()
CLOCKS = """
    00:00 08:00 07:59 23:59:59 24:00 23:60 12:30:60 8:00 08:00:00.5 08:00:00.123456
    08:00:00.1234567 08:00:00. 12:00 00:30 12:00AM 12:00am 12:30PM 00:00AM 13:00PM 01:05pM
    11:59PM 0800 08:00Z
""".split()
OFFSETS = ["", "Z", "z", "+00:00", "+02:00", "-05:30", "+0530", "+05", "+23:59", "+24:00", "+99:99"]
OFFSETS += [" +05:00", " Z", " ", "+5", "-00:00", "+05:60"]
TEXTS = [
    "",
    " ",
    "a",
    "A",
    "ab",
    "AB",
    "ABC",
    "abcd",
    "ä",
    "äö",
    "ß",
    "\u0130",
    "e\u0301",
    "👩‍👩‍👧",
    "x\ny",
]
TEXTS += [
    "AB\n",
    "\nAB",
    "a b",
    " 7 ",
    "\t",
    "\u00a0",
    "\u2003",
    "NULL",
    "null",
    "n/a",
    "'",
    '"',
    "\\",
]
TEXTS += [
    "12",
    "a1",
    "٣",
    "7",
    "%",
    "_",
    "a%b",
    "a_b",
    "AB CD",
    "\r",
    "\u2028",
    "ÄB",
    "K",
    "ſ",
    "\ufeff",
]
FORMATTED = {
    "email": """
        a@b.de a@b a@@b.de @b.de a@.de a@b. a.b@c.d.e a@b..c a@b.c@d.e ä@ö.de
    """.split(),
    "uuid": """
        123e4567-e89b-12d3-a456-426614174000 123E4567-E89B-12D3-A456-426614174000
        123e4567e89b12d3a456426614174000 123e4567-e89b-12d3-a456-42661417400g
        123e4567-e89b-12d3-a456-4266141740001 23e4567-e89b-12d3-a456-4266141740001
        {123e4567-e89b-12d3-a456-426614174000} 123e4567-e89b-12d3-a456
    """.split(),
    "uri": """
        http://x.org mailto:a@b.de x: 1x:y http://ä.de :// urn:isbn:1 x+y.z-1:a é:a x_y:a :a http
    """.split(),
    "hostname": """
        localhost a-b.c -a.b a-.b a..b a.b. .a x_y a.-b a--b A.B 1.2 ä.de a
    """.split(),
    "ipv4": """
        1.2.3.4 256.1.1.1 1.2.3 1.2.3.4.5 01.2.3.4 0.0.0.0 255.255.255.255 1.2.3.-4 ١.2.3.4
        1.2.3.256 249.250.199.99 1.2.3.260 1..2.3 1.2.3. .1.2.3 00.0.0.0 1.2.3.1e1
        300.1.1.1 1.2.3.4/8
    """.split(),
    "ipv6": """
        ::1 :: ::: 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1::8 1::2::3 fe80::1%eth0 12345::
        ::ffff:1.2.3.4 ::ffff:1.2.3.256 1:2:3:4:5:6:1.2.3.4 1:2:3:4:5:6:7:1.2.3.4 :1:2:3:4:5:6:7
        1:2:3:4:5:6:7: 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 ::1:2:3:4:5:6:7:8 1:2:3:4::5:6:7:8 g::1 1:2:3
        1::1.2.3.4 1.2.3.4::1 1:2:3:4:5::1.2.3.4 1:2:3:4:5:6::1.2.3.4 FE80::A :1 1: : 1::3:4:5:6:7:8
        1:2::4:5:6:7:8 1:2:3:4:5:6::8 1:2:3:4:5:6:7::8
    """.split(),
}
FORMATTED["email"] += ["a\u00a0@b.de", "a@b\u2003.de", "a b@c.de", "a@b.de ", "a@b.de\n", " a@b.de"]
FORMATTED["uri"] += ["http://x y", "http://x\u2003y", "x:\n", "http://x\n"]
FORMATTED["hostname"] += ["a" * 63 + ".b", "a" * 64 + ".b", "b." + "a" * 63, "a" * 64, "a.b\n"]
FORMATTED["ipv4"] += ["1.2.3.4\n", " 1.2.3.4"]
FORMATTED["ipv6"] += ["::1\n", " ::1"]
PATTERNS = [
    "^[A-Z]{2}$", "AB", "^AB", "AB$", "^AB$", "a.*b", "^.$", "^.+$", r"\d", r"^\d+$", r"^\s",
    r"\w+", "(?i)^ab$", "(?i)k", "(?s)^x.y$", "(?m)^AB$", "^$", "", "[^a]", r"^\p{L}+$",
    r"\bAB\b", "a%b", "a_b", "^a", "b$", "^(a|A)$", r"\.", "^.{2,3}$", r"\z", "ä", "[ä-ö]",
    r"^\S+$", r"\\", "'",
]  # fmt: skip
FORMATS = {
    "date": [
        "yyyy-MM-dd",
        "dd.MM.yyyy",
        "d.M.yyyy",
        "dd.MM.yy",
        "MM/dd/yyyy",
        "yyyyMMdd",
        "dd-MMM-yyyy",
        "d.M.yy",
    ],
    "timestamp": [
        "yyyy-MM-dd HH:mm:ss",
        "dd.MM.yyyy HH:mm",
        "yyyy-MM-dd'T'HH:mm:ssXXX",
        "MM/dd/yyyy hh:mma",
        "yyyy-MM-dd HH:mm:ss.SSS",
        "yyyy-MM-dd HH:mm:ss.SSSSSS",
        "d.M.yy H:mm",
    ],
    "time": ["HH:mm", "HH:mm:ss", "H:mm", "hh:mma", "HH:mm:ss.SSS"],
}
STEPS = {"integer": ["1", "2", "7", "10"], "number": ["0.5", "0.05", "1", "0.1", "0.3", "1000"]}
NULLS = [("",), (), ("", "NULL"), ("n/a", "0"), ("", "-", "null", " "), ("7",)]
WAYS = ["+{}", "-{}", "0{}", "000{}", " {}", "{} ", "{}\n", "{}.0", "{}.00", "{}.", "{}0", "{}.5"]
WAYS += ["{}e0", "{}E1", "{}e-2", "{}_000", "{},0", "\u00a0{}", "{}x", "++{}", "0x{}", "{}%", "€{}"]
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def other_ways(texts: Sequence[str]) -> list[str]:
    """Return each text with signs, zeros, blanks, exponents and the like put to it."""
    return [way.format(text) for text in texts for way in WAYS] + [
        text.translate(FULL_WIDTH) for text in texts
    ]


def _timestamps() -> list[str]:
    """Every way to write one instant, then unusual days, clocks and offsets, one at a time."""
    days = ["2024-01-05", "05.01.2024", "5.1.24", "01/05/2024", "5.1.2024"]
    clocks = ["08:00", "08:00:00", "8:00", "08:00AM", "08:00:00.123", "08:00:00.123456"]
    ways = [f"{day}{between}{clock}" for day in days for between in " T" for clock in clocks]
    ways += [f"2024-01-05T{clock}{offset}" for clock in clocks[:2] for offset in OFFSETS]
    ways += [f"{day} {clock}" for day in days[:1] for clock in CLOCKS]
    ways += [f"{day} 00:00{offset}" for day in DATES[:12] for offset in ("", "Z", "+05:30")]
    return [*ways, "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59Z", "2024-01-05t08:00"]


POOLS: dict[str, list[str]] = {
    "string": [*TEXTS, *(text for texts in FORMATTED.values() for text in texts)],
    "integer": [*INTEGERS, *other_ways(INTEGERS[:9]), *NUMBERS],
    "number": [*NUMBERS, *other_ways(NUMBERS[:12]), *INTEGERS, *other_ways(INTEGERS[:6])],
    "boolean": [*BOOLEANS, *other_ways(BOOLEANS[:4])],
    "date": [*DATES, *other_ways(DATES[:2])],
    "timestamp": [*_timestamps(), *DATES],
    "time": [*CLOCKS, *other_ways(CLOCKS[:3])],
}
