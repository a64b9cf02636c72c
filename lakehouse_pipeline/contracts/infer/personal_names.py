"""Names that columns about persons have, in English, German, French, Spanish and Italian.

Each list is of regular expressions over the words of a name (`words_of`), separated by blanks;
what a name ends with is what it names. `^` asks for the whole name.
"""

from collections.abc import Mapping

_PERSON = (
    "customer|client|user|person|patient|employee|staff|member|subscriber|passenger|driver|student|"
    "guest|buyer|holder|kunden?|mitarbeiter|mitglied|patienten?|nutzer|benutzer|cliente|usuario|"
    "contact|insured|voter|applicant|candidate"
)
_NUMBER = "id|ids|no|nr|num|number|nummer|key|code|uuid|guid|ref"

_WORDS: Mapping[str, str] = {  # an earlier kind goes before a later one
    "email": r"e_?mails? mails? mail_?address e_?mail_?address",
    "ip": r"ips? ip_?(?:v4|v_4|addr|address|adresse)",
    "iban": r"iban account_?(?:no|nr|number) kontonummer konto_?nr bank_?account",
    "card": r"credit_?card card_?(?:no|nr|num|number) kreditkarte ^pan",
    "phone": r"""
        phones? phone_?(?:no|nr|number) tel tele?phone telefon telefonnummer telefono mobile mobil
        mobilnummer handy handynummer ^cell cellphone rufnummer fax msisdn
    """,
    "national_id": r"""
        ssn social_security.* passport.* tax_?(?:id|no|number) steuer_?(?:id|nummer) national_?id
        nino ausweis.* personalausweis.* sozialversicherung.* driver_?s?_?licen[cs]e.*
        fuehrerschein.* identity_?(?:no|number) dni nif curp cpf licen[cs]e_?plate kennzeichen
    """,
    "person_id": rf"""
        (?:{_PERSON})_?(?:{_NUMBER}) kundennr kundennummer ^customer ^kunde ^user ^passenger
    """,
    "username": r"user_?names? login nick_?name screen_?name benutzername",
    "name": rf"""
        (?:first|last|middle|given|family|full|sur|maiden|fore|birth)_?names?
        (?:{_PERSON})_?names? vornamen? nachnamen? familienname geburtsname prenom ^nom apellidos?
        nombres? cognome salutation anrede
    """,
    "birth": r"""
        birth_?(?:date|day|year|place)? date_?of_?birth dob geburts_?(?:datum|tag|jahr|ort)
        birthdays? bday fecha_nacimiento date_naissance yob
    """,
    "address": r"""
        address(?:es)? addr street strasse ^str hausnummer house_?(?:no|number) anschrift adresse
        address_?line.* direccion calle ^rue ^via street_?(?:name|address)
    """,
    "trait": r"""
        gender sex geschlecht religion ethnicity nationality marital_?status familienstand
        staatsangehoerigkeit disability diagnos[ei]s? blood_?(?:type|group)
    """,
    "device": r"""
        device_?id mac_?(?:address|addr)? imei imsi cookie_?(?:id)? advertising_?id session_?id
    """,
}
NAMES: Mapping[str, str] = {kind: "|".join(words.split()) for kind, words in _WORDS.items()}
"""The names of each kind of personal column, as one regular expression."""

MAYBE = "|".join(
    """
    ^names? ^contact ^owner ^author notes? remarks? comments? bemerkung(?:en)? notiz(?:en)? freitext
    free_?text
    """.split()  # noqa: SIM905 - a list of so many strings is harder to read
)
"""Names of columns that are personal in records about persons."""

PERSON_TABLES = rf"(?:{_PERSON})(?:s|en|n)?|people|persons|patients|staff|crew|leads"
"""Names of datasets whose records are about persons."""
