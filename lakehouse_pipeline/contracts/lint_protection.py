"""The custom property `privacy`, judged against the columns and what is published."""

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import Contract, Privacy
from lakehouse_pipeline.contracts.promised import promised_columns
from lakehouse_pipeline.errors import nearest


def lint_protection(contract: Contract, place: Place) -> None:
    """Judge `privacy` of `contract`, which stands at `place`; strict cannot be without it."""
    if contract.privacy is None:
        if contract.compliance == "strict":
            place.missing(
                "compliance strict measures published data; add the custom property 'privacy' "
                "with quasiIdentifiers and k, and sensitive with l and t"
            )
        return
    if contract.compliance == "strict":
        _check_sensitive(contract.privacy, place)
    _check_names(contract, contract.privacy, place)
    if contract.publish.mode == "upsert":
        place.error(
            "'privacy' goes with publish mode append: an upsert takes records out of the groups "
            "that were measured"
        )


def _check_sensitive(privacy: Privacy, place: Place) -> None:
    """Under strict l and t are measured; that there is nothing to measure has to be said."""
    here = place / "sensitive"
    absent = [name for name, limit in (("l", privacy.l), ("t", privacy.t)) if limit is None]
    if not here.exists:
        here.missing(
            "compliance strict measures l and t; name the columns that are 'sensitive', with 'l' "
            "and 't', or say 'sensitive: []' where none is"
        )
    elif privacy.sensitive and absent:
        here.missing(
            f"compliance strict measures l and t of 'sensitive' columns; add {' and '.join(absent)}"
        )


def _check_names(contract: Contract, privacy: Privacy, place: Place) -> None:
    shown = promised_columns(contract)
    lists = {"quasiIdentifiers": privacy.quasi_identifiers, "sensitive": privacy.sensitive}
    for key, names in lists.items():
        for index, name in enumerate(names):
            here = place / key / index
            if name not in contract.column_names:
                near = nearest(name, contract.column_names)
                here.error(f"privacy: unknown column '{name}'.{near}")
            elif name not in shown:
                here.error(f"privacy: column '{name}' is not published, so it is not measured")
            elif name in names[:index]:
                here.error(f"privacy: column '{name}' stands there twice")
            elif key == "sensitive" and name in privacy.quasi_identifiers:
                here.error(f"privacy: column '{name}' is a quasi-identifier too")
