"""What a broken rule means, in a sentence for the person who corrects the file.

English and German. A custom rule says its own description, in German the translation that the
contract has; without one its name and the description as a quotation.
"""

from typing import Literal

from lakehouse_pipeline.contracts.format_patterns import FORMAT_NAMES
from lakehouse_pipeline.contracts.model import Column, Contract, Expression, PanderaCheck
from lakehouse_pipeline.contracts.types import (
    DOUBLE_DIGITS,
    ColumnType,
    decimal_digits,
    in_words,
)
from lakehouse_pipeline.layers.rules import record_rules

Language = Literal["en", "de"]

_GERMAN_TYPES = {
    "integer": "eine ganze Zahl ({sql})",
    "number": "eine Zahl mit höchstens {digits} Stellen und Dezimalpunkt",
    "boolean": "true oder false",
    "date": "ein Datum der Form {format}",
    "timestamp": "ein Zeitpunkt der Form {format}",
    "time": "eine Uhrzeit der Form {format}",
}
_GERMAN_FORMATS = {
    "email": "eine E-Mail-Adresse",
    "uuid": "eine UUID",
    "uri": "eine URI",
    "hostname": "ein Hostname",
    "ipv4": "eine IPv4-Adresse",
    "ipv6": "eine IPv6-Adresse",
}
_GERMAN_FORMS = {
    "date": "yyyy-MM-dd",
    "timestamp": "yyyy-MM-dd HH:mm:ss",
    "time": "HH:mm:ss",
}
_ENGLISH = {
    "required": "{name} is empty; it must have a value.",
    "type": "{name} must be {type}.",
    "unique": "{name} repeats the value of another record; each may stand there once.",
    "enum": "{name} must be one of {enum}.",
    "pattern": "{name} is not written as agreed (pattern {pattern}).",
    "format": "{name} must be {format}.",
    "minLength": "{name} is too short; at least {min_length} characters.",
    "maxLength": "{name} is too long; at most {max_length} characters.",
    "minimum": "{name} must be at least {minimum}.",
    "maximum": "{name} must be at most {maximum}.",
    "exclusiveMinimum": "{name} must be greater than {exclusive_minimum}.",
    "exclusiveMaximum": "{name} must be less than {exclusive_maximum}.",
    "multipleOf": "{name} must be a multiple of {multiple_of}.",
}
_GERMAN = {
    "required": "{name} ist leer; ein Wert wird gebraucht.",
    "type": "{name} muss {type} sein.",
    "unique": "{name} wiederholt den Wert eines anderen Datensatzes; jeder darf einmal vorkommen.",
    "enum": "{name} muss eines von {enum} sein.",
    "pattern": "{name} ist nicht wie vereinbart geschrieben (Muster {pattern}).",
    "format": "{name} muss {format} sein.",
    "minLength": "{name} ist zu kurz; mindestens {min_length} Zeichen.",
    "maxLength": "{name} ist zu lang; höchstens {max_length} Zeichen.",
    "minimum": "{name} muss mindestens {minimum} sein.",
    "maximum": "{name} darf höchstens {maximum} sein.",
    "exclusiveMinimum": "{name} muss größer als {exclusive_minimum} sein.",
    "exclusiveMaximum": "{name} muss kleiner als {exclusive_maximum} sein.",
    "multipleOf": "{name} muss ein Vielfaches von {multiple_of} sein.",
}
_DEFECTS: dict[str, dict[str, str]] = {
    "en": {
        "record.fields": "The line does not have as many fields as the header.",
        "record.quote": "A quotation mark is opened and never closed.",
        "record.encoding": "The line holds characters in another encoding than agreed.",
        "record.nul": "The line holds a NUL character.",
    },
    "de": {
        "record.fields": "Die Zeile hat nicht so viele Felder wie die Kopfzeile.",
        "record.quote": "Ein Anführungszeichen wird geöffnet und nie geschlossen.",
        "record.encoding": "Die Zeile enthält Zeichen in einer anderen Kodierung als vereinbart.",
        "record.nul": "Die Zeile enthält ein NUL-Zeichen.",
    },
}


def sentences(contract: Contract, language: Language) -> dict[str, str]:
    """Return a sentence for every rule that can quarantine a record, by the rule's name."""
    said = dict(_DEFECTS[language])
    custom: dict[str, Expression | PanderaCheck] = {
        **{rule.name: rule for rule in contract.expressions},
        **{check.name: check for check in contract.pandera_checks},
    }
    for rule in record_rules(contract):
        column = contract.column(rule.column) if rule.column else None
        kind = rule.name.removeprefix(f"{rule.column}.")
        templates = _GERMAN if language == "de" else _ENGLISH
        if rule.name in custom and language == "de":
            said[rule.name] = _custom_in_german(custom[rule.name])
        elif column is not None and kind in templates:
            said[rule.name] = templates[kind].format(**_facts(column, language))
        elif kind == "foreignKey" or rule.name.endswith(".foreignKey"):
            said[rule.name] = _foreign(contract, rule.name, language)
        elif rule.name == "primaryKey":
            said[rule.name] = _key(contract, language)
        else:
            said[rule.name] = _ended(rule.message)
    return said


def _facts(column: Column, language: Language) -> dict[str, object]:
    facts: dict[str, object] = {
        name: getattr(column, name)
        for name in (
            "name",
            "pattern",
            "min_length",
            "max_length",
            "minimum",
            "maximum",
            "exclusive_minimum",
            "exclusive_maximum",
            "multiple_of",
        )
    }
    facts["enum"] = ", ".join(column.enum or ())
    facts["type"] = in_words(column.type)
    facts["format"] = FORMAT_NAMES.get(column.format or "", "")
    if language == "de":
        facts["type"] = _type_in_german(column.type)
        facts["format"] = _GERMAN_FORMATS.get(column.format or "", "")
    return facts


def _type_in_german(kind: ColumnType) -> str:
    if kind.sql.startswith("DECIMAL"):
        precision, scale = decimal_digits(kind.sql)
        whole = precision - scale
        return f"eine Zahl mit höchstens {whole} Stellen vor und {scale} nach dem Dezimalpunkt"
    form = kind.format or _GERMAN_FORMS.get(kind.logical, "")
    facts = {"format": form, "sql": kind.sql, "digits": DOUBLE_DIGITS}
    return _GERMAN_TYPES.get(kind.logical, "Text").format(**facts)


def _foreign(contract: Contract, name: str, language: Language) -> str:
    (key,) = (key for key in contract.foreign_keys if key.name == name)
    columns = ", ".join(key.columns)
    together = len(key.columns) > 1
    if language == "de":
        return f"{columns}{' zusammen' * together} gibt es in {key.dataset} nicht."
    return f"{columns} {'together are' if together else 'is'} not known in {key.dataset}."


def _custom_in_german(rule: Expression | PanderaCheck) -> str:
    if rule.german:
        return _ended(rule.german)
    if rule.description:
        return f"Die Regel {rule.name} ist verletzt: „{rule.description}“"
    if isinstance(rule, Expression):
        return f"Die Regel {rule.name} ist verletzt: {rule.sql}"
    return f"Die Prüfung {rule.check} der Regel {rule.name} ist nicht bestanden."


def _ended(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _key(contract: Contract, language: Language) -> str:
    columns = ", ".join(contract.primary_key)
    if language == "de":
        return f"{columns} zusammen wiederholen den Schlüssel eines anderen Datensatzes."
    return f"{columns} together repeat the key of another record."
