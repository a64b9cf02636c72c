"""Check digits: they prove what a number is where its form alone does not."""

LUHN_LENGTHS = range(13, 20)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def is_iban(text: str) -> bool:
    """Return whether the check digits of an IBAN are right (ISO 13616: modulo 97 is 1)."""
    plain = text.replace(" ", "").upper()
    if not (plain.isascii() and plain.isalnum() and plain[2:4].isdigit()):
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def is_card_number(text: str) -> bool:
    """Return whether the last digit is right by Luhn's algorithm (ISO/IEC 7812-1, annex B)."""
    plain = text.replace(" ", "").replace("-", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) in LUHN_LENGTHS):
        return False
    digits = [int(c) for c in reversed(plain)]
    return (sum(digits[0::2]) + sum(_DOUBLED[d] for d in digits[1::2])) % 10 == 0
