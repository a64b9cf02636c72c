"""Errors as RFC 9457 problem documents: one table says which error has which status."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from lakehouse_pipeline.api.caller import ForeignNameError, OutOfReachError, bound_to
from lakehouse_pipeline.api.graphql_calls import ForbiddenOperationError
from lakehouse_pipeline.api.headers import secure
from lakehouse_pipeline.api.queries import BusyError, QueryRefusedError
from lakehouse_pipeline.api.refusals import (
    REASON,
    CrossSiteError,
    NotLoggedInError,
    NotPermittedError,
    RefusedError,
    TooManyCallsError,
    reason_of,
)
from lakehouse_pipeline.audit.grants import (
    GrantExpiryError,
    GrantRefusedError,
    UnknownGrantError,
)
from lakehouse_pipeline.contracts.simple import ShortContractError
from lakehouse_pipeline.errors import (
    ContractError,
    ContractVersionExistsError,
    DatasetDeprecatedError,
    DatasetNameError,
    ExpiredBatchError,
    FileRefusedError,
    LakehouseError,
    LandingFileMissingError,
    NamelessStepError,
    NotApprovedError,
    QueryError,
    SchemaChangeError,
    StepRefusedError,
    TokenFileError,
    UnknownBatchError,
    UnknownColumnError,
    UnknownDatasetError,
    UnknownTableVersionError,
    UnregisteredVersionError,
)
from lakehouse_pipeline.lake.anonymizations import UnknownAnonymizationError
from lakehouse_pipeline.lake.object_signing import UnsignableNameError
from lakehouse_pipeline.lake.objects import StorageError
from lakehouse_pipeline.lake.signing import SignedUrlError
from lakehouse_pipeline.lake.stored_files import (
    BeingWrittenError,
    ObjectKeyError,
    UnknownKeyError,
)
from lakehouse_pipeline.lake.time_limit import QueryTimeError
from lakehouse_pipeline.lake.uploads import FileNameError, NotCsvError, TooLargeError
from lakehouse_pipeline.orchestration.anonymization_steps import (
    ChangedSinceError,
    NothingToAnonymizeError,
)
from lakehouse_pipeline.orchestration.erasure import NoSubjectError, SubjectNamedError
from lakehouse_pipeline.orchestration.secrecy import UnknownTokenError, ValueNamedError
from lakehouse_pipeline.pipeline.correction_file import CorrectionError
from lakehouse_pipeline.pipeline.export import VersionGoneError
from lakehouse_pipeline.pipeline.releases import (
    NothingToReleaseError,
    NotReleasableError,
    UnknownRuleError,
)
from lakehouse_pipeline.pipeline.rollback import RollbackRefusedError

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("lakehouse.api")


class DatasetExistsError(LakehouseError):
    """A dataset of this name is registered already."""

    def __init__(self, dataset: str) -> None:
        super().__init__(
            f"dataset '{dataset}' is registered already and was not changed. To change its "
            "contract: POST /contracts."
        )


class NotPublishedError(LakehouseError):
    """There is nothing to download: no record of what was asked for is published."""

    exit_code = 1

    def __init__(self, dataset: str, what: str, why: str) -> None:
        super().__init__(f"{what} of '{dataset}' is not published: {why}")


class BucketLimitError(LakehouseError):
    """A limit of bytes was asked for a URL of a bucket, where nobody could hold to it."""

    def __init__(self) -> None:
        super().__init__(
            "max_bytes: landing is a bucket, and no object store binds a size to a signed URL. "
            "Ask without max_bytes, or limit uploads in the store."
        )


class UiUnavailableError(LakehouseError):
    """The Dagster UI does not run behind this API, or does not answer."""

    def __init__(self, what: str, advice: str = "Start it beside the API: lakehouse up") -> None:
        super().__init__(f"the UI {what}. {advice}")


class UnknownObjectError(LakehouseError):
    """There is no object, replay or other thing of this name."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no such {what}.")


STATUSES: Mapping[type[LakehouseError], HTTPStatus] = {
    NotLoggedInError: HTTPStatus.UNAUTHORIZED,
    CrossSiteError: HTTPStatus.FORBIDDEN,
    ForbiddenOperationError: HTTPStatus.FORBIDDEN,
    ForeignNameError: HTTPStatus.FORBIDDEN,
    NotPermittedError: HTTPStatus.FORBIDDEN,
    OutOfReachError: HTTPStatus.FORBIDDEN,
    SignedUrlError: HTTPStatus.FORBIDDEN,
    GrantRefusedError: HTTPStatus.FORBIDDEN,
    UnknownGrantError: HTTPStatus.NOT_FOUND,
    UnknownAnonymizationError: HTTPStatus.NOT_FOUND,
    UnknownBatchError: HTTPStatus.NOT_FOUND,
    UnknownDatasetError: HTTPStatus.NOT_FOUND,
    UnknownKeyError: HTTPStatus.NOT_FOUND,
    UnknownObjectError: HTTPStatus.NOT_FOUND,
    UnknownTokenError: HTTPStatus.NOT_FOUND,
    UnregisteredVersionError: HTTPStatus.NOT_FOUND,
    UnknownRuleError: HTTPStatus.NOT_FOUND,
    UnknownTableVersionError: HTTPStatus.NOT_FOUND,
    ContractVersionExistsError: HTTPStatus.CONFLICT,
    DatasetDeprecatedError: HTTPStatus.CONFLICT,
    DatasetExistsError: HTTPStatus.CONFLICT,
    NotApprovedError: HTTPStatus.CONFLICT,
    NotPublishedError: HTTPStatus.CONFLICT,
    BeingWrittenError: HTTPStatus.CONFLICT,
    StepRefusedError: HTTPStatus.CONFLICT,
    ChangedSinceError: HTTPStatus.CONFLICT,
    NothingToAnonymizeError: HTTPStatus.CONFLICT,
    RollbackRefusedError: HTTPStatus.CONFLICT,
    SchemaChangeError: HTTPStatus.CONFLICT,
    NotReleasableError: HTTPStatus.CONFLICT,
    NothingToReleaseError: HTTPStatus.CONFLICT,
    ExpiredBatchError: HTTPStatus.GONE,
    LandingFileMissingError: HTTPStatus.GONE,
    VersionGoneError: HTTPStatus.GONE,
    TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotCsvError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    BucketLimitError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ContractError: HTTPStatus.UNPROCESSABLE_ENTITY,
    DatasetNameError: HTTPStatus.UNPROCESSABLE_ENTITY,
    FileNameError: HTTPStatus.UNPROCESSABLE_ENTITY,
    FileRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NamelessStepError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NoSubjectError: HTTPStatus.UNPROCESSABLE_ENTITY,
    SubjectNamedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ValueNamedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    GrantExpiryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ObjectKeyError: HTTPStatus.UNPROCESSABLE_ENTITY,
    CorrectionError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownColumnError: HTTPStatus.UNPROCESSABLE_ENTITY,
    QueryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    QueryRefusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    QueryTimeError: HTTPStatus.UNPROCESSABLE_ENTITY,
    BusyError: HTTPStatus.TOO_MANY_REQUESTS,
    ShortContractError: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyCallsError: HTTPStatus.TOO_MANY_REQUESTS,
    TokenFileError: HTTPStatus.INTERNAL_SERVER_ERROR,
    UiUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    UnsignableNameError: HTTPStatus.UNPROCESSABLE_ENTITY,
    StorageError: HTTPStatus.BAD_GATEWAY,
}
"""The status of each error; every other one of ours is 400, what is not ours 500."""


def problem(status: int, detail: str, kind: str = "about:blank", **more: object) -> JSONResponse:
    """Return a problem document; `more` are members beside the standard's."""
    title = HTTPStatus(status).phrase
    body = {"type": kind, "title": title, "status": int(status), "detail": detail, **more}
    return JSONResponse(body, status_code=int(status), media_type=MEDIA_TYPE)


def status_of(error: LakehouseError) -> HTTPStatus:
    """Return the status of an error: that of the nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return HTTPStatus.BAD_REQUEST


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    app.add_exception_handler(LakehouseError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def answer_to(error: LakehouseError) -> JSONResponse:
    """Return the problem document of an error, with the headers that belong to it."""
    more: dict[str, Any] = {}
    if isinstance(error, ContractError):
        more["problems"] = [
            {"line": p.line, "column": p.column, "message": p.message} for p in error.problems
        ]
    kind = f"urn:lakehouse:{type(error).__name__.removesuffix('Error')}"
    detail = str(error)
    if isinstance(error, UnknownDatasetError) and bound_to() is not None:
        detail = "there is no such dataset yet."  # the error itself names the others
    answer = problem(status_of(error), detail, kind, **more)
    if isinstance(error, RefusedError):
        answer.headers.update(error.headers)
    return answer


def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LakehouseError)  # noqa: S101 - it is registered for these
    request.scope[REASON] = reason_of(error)
    return answer_to(error)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Say what is wrong with a request, without what was in it."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    faults = [
        {"where": ".".join(map(str, fault["loc"])), "message": _message(request, fault)}
        for fault in error.errors()
    ]
    detail = "; ".join(f"{fault['where']}: {fault['message']}" for fault in faults)
    kind = "urn:lakehouse:InvalidRequest"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, kind, problems=faults)


def _message(request: Request, fault: Mapping[str, Any]) -> str:
    if fault["type"] != "model_attributes_type":
        return str(fault["msg"])
    if "json" in request.headers.get("content-type", ""):
        return "expected an object, as {…}"
    return "expected JSON, sent with the header Content-Type: application/json"


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    said = str(error.detail)
    if said == HTTPStatus.NOT_FOUND.phrase:
        said = "no call has this address. All of them are listed at /docs."
    if said == HTTPStatus.METHOD_NOT_ALLOWED.phrase:
        said = f"this address does not take {request.method}. Its calls are listed at /docs."
    answer = problem(error.status_code, said)
    answer.headers.update(error.headers or {})
    return answer


def _bug(request: Request, error: Exception) -> JSONResponse:
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    detail = "This is a bug, not a fault of the call; the API's log says more."
    answer = problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
    secure(answer.headers, request.url.path)  # what else adds them has been left by the error
    return answer
