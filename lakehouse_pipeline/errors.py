"""Every error a user can cause or meet, each with its own message.

An error takes facts and writes "what, where, what was expected, what to do next". No error here
quotes a value of a record: `_reasons` in the quarantined layer names the rule instead.
What Dagster, DuckDB or the operating system raise on their own is not caught into these: a bug
must never look like bad data.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from pathlib import Path


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the closest of `known`, or an empty string."""
    names = tuple(known)
    if len(names) > _MANY:
        names = _likely(name, names)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""


_MANY = 200
_LIKELY = 20
"""Of more names than many, the likely ones are compared: they share most pairs of letters.

A contract of 500 columns with a fault in each would else take seconds to say so.
"""


def _likely(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    shared: Counter[str] = Counter()
    pairs = _by_pair(known)
    for pair in pairwise(name):
        shared.update(pairs.get(pair, ()))
    likely = sorted(shared, key=lambda other: shared[other] / (len(name) + len(other)))
    return tuple(likely[-_LIKELY:])


@lru_cache(maxsize=4)
def _by_pair(known: tuple[str, ...]) -> Mapping[tuple[str, str], Sequence[str]]:
    """Return the names that hold each pair of neighbouring letters."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for name in known:
        for pair in set(pairwise(name)):
            pairs.setdefault(pair, []).append(name)
    return pairs


class LakehouseError(Exception):
    """Base of every error that is the data's or the caller's fault, not a bug.

    `exit_code` is what the command ends with: 1 the data is at fault, 2 the call is at fault.
    """

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault in a contract file; prints as `file:line:column: message`."""

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}"


class ContractError(LakehouseError):
    """A contract file cannot be used; carries every problem found in it."""

    exit_code = 1

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NoActiveVersionError(ContractError):
    """The contract files of a dataset are sound, but no version is active; says what makes one."""

    exit_code = 2

    def __init__(self, dataset: str, command: str) -> None:
        LakehouseError.__init__(self, f"no version of '{dataset}' is active. {command}")
        self.problems = ()


class UnreadableContractError(LakehouseError):
    """A path given as a contract is missing, a directory or not readable."""

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(f"{path}: {problem}. Give the path of a contract (YAML) you may read.")


class ContractVersionExistsError(LakehouseError):
    """Another content is registered under this version; a registered version never changes."""

    def __init__(self, dataset: str, version: str, path: Path) -> None:
        shown = "/".join(path.parts[-3:])  # callers of the API are not told where the home is
        super().__init__(
            f"version {version} of '{dataset}' is registered with another content ({shown}). "
            "A registered version never changes: raise 'version' in the file and add it again."
        )


class UnknownDatasetError(LakehouseError):
    """No contract is registered under this name."""

    def __init__(self, dataset: str, known: Iterable[str]) -> None:
        names = sorted(known)
        listed = f" Registered: {', '.join(names)}." if names else " No dataset is registered yet."
        super().__init__(
            f"unknown dataset '{dataset}'.{nearest(dataset, names)}{listed} "
            "Register one with: lakehouse contract add FILE"
        )


class StepRefusedError(LakehouseError):
    """A contract version, or a dataset, is not in a state in which this can be done to it."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"{what} {problem}. Nothing was changed.")


class NamelessStepError(LakehouseError):
    """A step in the life of a contract or of a batch was given without who gives it, or why."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' is empty; who decides what, and why, stays on record. Nothing was changed."
        )


class NotApprovedError(LakehouseError):
    """The contract has to be approved before anything past raw is made."""

    def __init__(self, dataset: str, waiting_for: str) -> None:
        super().__init__(f"{waiting_for}. Until then the batches of '{dataset}' wait in raw.")


class DatasetDeprecatedError(LakehouseError):
    """The dataset as a whole is deprecated: it takes no new files."""

    def __init__(self, dataset: str, by: str, why: str) -> None:
        super().__init__(
            f"'{dataset}' was deprecated by {by} ({why}): it takes no new files, what is published "
            f"stays. To take it up again: lakehouse contract activate {dataset} --by NAME --why "
            "TEXT"
        )


class UnknownBatchError(LakehouseError):
    """The dataset has no batch of this name."""

    def __init__(self, dataset: str, batch: str, known: Iterable[str]) -> None:
        super().__init__(
            f"dataset '{dataset}' has no batch '{batch}'.{nearest(batch, known)} "
            f"List them with: lakehouse batches {dataset}"
        )


class UnknownColumnError(LakehouseError):
    """The published data of a dataset have no column of this name."""

    def __init__(self, dataset: str, column: str, known: Sequence[str]) -> None:
        super().__init__(
            f"published '{dataset}' has no column '{column}'.{nearest(column, known)} "
            f"It has: {', '.join(known)}"
        )


class UnknownTableVersionError(LakehouseError):
    """The published table of a dataset has no such version, or no version at all yet."""

    def __init__(self, dataset: str, version: int, newest: int | None) -> None:
        has = "nothing is published yet" if newest is None else f"it has 0 to {newest}"
        super().__init__(f"published '{dataset}' has no table version {version}; {has}.")


class UnreadableFileError(LakehouseError):
    """A path given by the caller is missing, a directory or not readable."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}. Give the path of a CSV file that you may read.")


class UnwritableFileError(LakehouseError):
    """A file that the caller asked for cannot be written."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}. Give the path of a file that you may write.")


class LandingFileMissingError(LakehouseError):
    """The file of a batch is gone from the landing folder and raw does not hold the batch."""

    exit_code = 1

    def __init__(self, dataset: str, batch: str) -> None:
        super().__init__(
            f"batch '{batch}': its file is no longer in landing/{dataset}, or its content has "
            "changed since, and raw does not hold the batch. Nothing was written. Drop the file "
            "again."
        )


class ExpiredBatchError(LakehouseError):
    """Retention has taken out what a replay of the batch would start from."""

    exit_code = 1

    def __init__(self, dataset: str, batch: str, layer: str, days: float | None) -> None:
        kept = f" ({layer} is kept for {days:g} days)" if days is not None else ""
        gone = f"batch '{batch}': its records left {layer} by retention{kept}"
        again = f"lakehouse replay {dataset} --batch {batch}"
        if layer == "raw":
            super().__init__(
                f"{gone}, and its file is no longer in landing/{dataset}. Nothing was written. "
                f"To take it in again, put the same file back there, then: {again}. The next "
                "retention takes it out again, unless the contract keeps it for longer."
            )
        else:
            super().__init__(
                f"{gone}, and what was asked for is made from them. Nothing was written. "
                f"Start from raw instead: {again}"
            )


class FileRefusedError(LakehouseError):
    """A landing file cannot be read as the contract describes it; base of the reasons why."""

    exit_code = 1


class EmptyFileError(FileRefusedError):
    """The file has no bytes, or nothing but line ends, where a header was expected."""

    def __init__(self, file: str, expected: Sequence[str], *, header: bool = True) -> None:
        what = "a header line" if header else "records"
        super().__init__(
            f"{file}: the file is empty; expected {what} with the columns "
            f"{', '.join(expected)}. Deliver the file again."
        )


class NoDraftError(FileRefusedError):
    """No contract can be drafted from a file: it is empty, no CSV, or not of the others' kind."""

    def __init__(self, file: Path | str, problem: str, advice: str) -> None:
        super().__init__(f"{file}: no contract can be drafted from it: {problem}. {advice}")


class OutputExistsError(LakehouseError):
    """The file that a command was to write is there already."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: a file stands there already and was not changed. "
            "Choose another name, or overwrite it with --force."
        )


class DatasetNameError(LakehouseError):
    """A name that no dataset can have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"dataset name '{name}': expected a letter, then letters, digits or '_', "
            "60 characters at most."
        )


class HeaderError(FileRefusedError):
    """The header does not name exactly the columns of the contract, each once.

    A first line that names none of them may be a record, so nothing of it is quoted.
    """

    def __init__(self, file: str, expected: Sequence[str], found: Sequence[str]) -> None:
        known = {name.strip().casefold() for name in expected}
        if known.isdisjoint(name.strip().casefold() for name in found):
            super().__init__(
                f"{file}: the first line names none of the contract's columns; found "
                f"{len(found)} field{'s'[: len(found) != 1]}, expected a header with the columns "
                f"{', '.join(expected)}. Is the header missing, or the delimiter another than "
                "the contract says? Correct the file, or register a new contract version."
            )
            return
        super().__init__(
            f"{file}: the header does not fit the contract: "
            f"{'; '.join(_header_problems(expected, found))}. "
            f"Expected: {', '.join(expected)}. Found: {', '.join(found)}. "
            "Correct the header, or register a new contract version."
        )


def _header_problems(expected: Sequence[str], found: Sequence[str]) -> list[str]:
    unknown = [name for name in dict.fromkeys(found) if name not in expected]
    problems = []
    for name in expected:
        if name not in found:
            alike = [other for other in unknown if other.strip().casefold() == name.casefold()]
            alike = alike or get_close_matches(name, unknown, n=1, cutoff=0.6)
            hint = f" (is it '{alike[0]}'?)" if alike else ""
            problems.append(f"column '{name}' is missing{hint}")
    problems += [f"column '{name}' is not in the contract" for name in unknown]
    problems += [
        f"column '{name}' stands there {found.count(name)} times"
        for name in dict.fromkeys(found)
        if found.count(name) > 1
    ]
    return problems


class UnreadableHeaderError(FileRefusedError):
    """The first line, where the header should be, is not a record at all."""

    def __init__(self, file: str, problem: str, expected: Sequence[str]) -> None:
        super().__init__(
            f"{file}: the header cannot be read: {problem}. Expected the columns "
            f"{', '.join(expected)}. Correct the header."
        )


class LineEndError(FileRefusedError):
    """The lines of the file end otherwise than the contract says."""

    def __init__(self, file: str, promised: str) -> None:
        found, other = (
            ("carriage returns alone (CR), as old Mac files do", "cr")
            if promised == "lf"
            else ("line feeds (LF or CRLF)", "lf")
        )
        super().__init__(
            f"{file}: its lines end in {found}; the contract says `lineEnd: {promised}`. "
            f"Set `lineEnd: {other}` under `csv` in the contract, or deliver the file so."
        )


class EncodingError(FileRefusedError):
    """The file's bytes cannot be read in the encoding the contract names."""

    def __init__(self, file: str, encoding: str, problem: str) -> None:
        super().__init__(
            f"{file}: not readable as {encoding}: {problem}. "
            "Save the file in that encoding, or name its encoding under 'csv' in the contract."
        )


class CompressionError(FileRefusedError):
    """A .gz or .zst file is cut short or is not what its name says."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: cannot be decompressed: {problem}. Deliver the file again.")


class RecordTooLongError(FileRefusedError):
    """A record (the header: 0) is longer than the reader holds in memory."""

    def __init__(self, file: str, record: int, limit_bytes: int) -> None:
        where = f"record {record}" if record else "header"
        super().__init__(
            f"{file}, {where}: longer than {limit_bytes} bytes. Is the delimiter or the "
            "line end another than the contract says? Expected one record per line."
        )


class ReconcileError(LakehouseError):
    """The independent count of physical lines does not match what was read: nothing is kept."""

    exit_code = 1

    def __init__(self, file: str, physical: int, accounted: int) -> None:
        super().__init__(
            f"{file}: {physical} physical lines, but {accounted} accounted for by header, records "
            "and blank lines. Nothing was written. Please report this file's structure as a bug."
        )


class SchemaChangeError(LakehouseError):
    """A layer's table holds other types than the contract now promises."""

    exit_code = 1

    def __init__(self, table: str, column: str, stored: str, promised: str, dataset: str) -> None:
        self.column, self.stored, self.promised = column, stored, promised
        super().__init__(
            f"{table}: column '{column}' is stored as {stored}, the contract now says {promised}. "
            f"Rebuild every batch under the new contract: lakehouse replay {dataset}"
        )


class CheckModuleError(LakehouseError):
    """A module that should register checks with pandera is missing, or its import raises."""

    def __init__(self, module: str, problem: str) -> None:
        super().__init__(
            f"check module '{module}' of LAKEHOUSE_CHECK_MODULES cannot be loaded: {problem}. "
            "Install it or put its folder on PYTHONPATH, and start again."
        )


class UnknownCheckError(LakehouseError):
    """A rule of engine pandera names a check, or arguments of one, that are not registered."""

    def __init__(self, rule: str, problem: str) -> None:
        super().__init__(
            f"rule '{rule}': {problem} Correct the contract, or list the module that registers "
            "the check in LAKEHOUSE_CHECK_MODULES."
        )


class CheckRaisedError(LakehouseError):
    """A check registered with pandera raised; `problem` is what may be told of that."""

    exit_code = 1

    def __init__(self, rule: str, check: str, problem: str) -> None:
        super().__init__(
            f"rule '{rule}': check '{check}' raised {problem}. Mend the check and replay the "
            "batch; nothing of it was published."
        )


class CheckResultError(LakehouseError):
    """A check registered with pandera did not say true or false of each record."""

    exit_code = 1

    def __init__(self, rule: str, found: str) -> None:
        super().__init__(
            f"rule '{rule}': its check gave {found}; expected true or false for each value "
            "it was given, in a series with the same index. Mend the check and replay the batch."
        )


class QueryError(LakehouseError):
    """A query over the lake is not a single SELECT, or does not run."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"query refused: {problem}")


class AlreadyRunningError(LakehouseError):
    """Another `lakehouse up` holds this home."""

    def __init__(self, home: Path, url: str | None) -> None:
        where = f" Its UI is at {url}." if url else ""
        super().__init__(
            f"{home}: another 'lakehouse up' is running on this home.{where} "
            "Use that one, stop it first, or set LAKEHOUSE_HOME to another folder."
        )


class DifferentDatasetsError(LakehouseError):
    """Two contracts that are compared describe two datasets."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(
            f"the contracts describe two datasets, '{old}' and '{new}'. "
            "Compare two versions of one dataset."
        )


class UnregisteredVersionError(LakehouseError):
    """The dataset has no contract of this version."""

    def __init__(self, dataset: str, version: str, known: Iterable[str]) -> None:
        versions = list(known)
        super().__init__(
            f"dataset '{dataset}' has no version '{version}'.{nearest(version, versions)} "
            f"Registered: {', '.join(versions)}."
        )


class NoContractError(LakehouseError):
    """What was given as a contract is neither a file nor a registered dataset."""

    def __init__(self, named: str, dataset: str, known: Iterable[str]) -> None:
        names = sorted(known)
        listed = f" Registered: {', '.join(names)}." if names else " No dataset is registered yet."
        super().__init__(
            f"'{named}' is neither a file nor a registered dataset.{nearest(dataset, names)}"
            f"{listed} Give the path of a contract (YAML), DATASET or DATASET@VERSION."
        )


class TokenNameError(LakehouseError):
    """A name that no token can have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"token name {name!r}: expected 1 to 63 letters, digits, or '_', '.', '@', '-' and "
            "blanks between them; the name stands in the events as who acted."
        )


class TokenExistsError(LakehouseError):
    """A valid token has this name; two would make the events ambiguous."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"token '{name}' exists and is valid. Choose another name, or end that one first: "
            f"lakehouse token revoke '{name}'"
        )


class UnknownTokenError(LakehouseError):
    """There is no valid token of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = tuple(known)
        super().__init__(
            f"there is no valid token '{name}'.{nearest(name, names)} "
            "See them all: lakehouse token list"
        )


class TokenFileError(LakehouseError):
    """The file of the tokens cannot be read, so nobody is let in."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: this is no file of tokens as 'lakehouse token' writes it, so nobody is let "
            "in. Put a backup in its place, or move it away and create the tokens anew."
        )


class TokensMissingError(LakehouseError):
    """The API was to listen where others reach it, and nobody could log in."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why}, so the API needs a valid token and there is none. Make one first: "
            "lakehouse token create --name NAME --role owner"
        )
