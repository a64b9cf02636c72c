"""ODCS `quality` of type `library` as `Metric` values.

Where ODCS lets a metric stand: rowCount at the schema, duplicateValues at a column or, with its
properties, at the schema, the others at a column. Limits are read in `limits`, arguments in
`metric_arguments`.
"""

from typing import Literal, cast, get_args

from open_data_contract_standard.model import DataQuality

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.limits import check_counts, read_limits
from lakehouse_pipeline.contracts.metric_arguments import read_arguments
from lakehouse_pipeline.contracts.model import Column, Metric, MetricName
from lakehouse_pipeline.contracts.severities import read_severity
from lakehouse_pipeline.errors import nearest

METRICS = get_args(MetricName)
UNITS = ("rows", "percent")


def read_metric(item: DataQuality, place: Place, column: Column | None) -> Metric | None:
    """Return the metric, or None when it is not known or stands at the wrong level.

    `column` is the column it belongs to, None at the schema. Whether the columns that a key names
    are there is judged in `lint_rules`.
    """
    metric = _known_metric(item, place)
    if metric is None or not _stands_right(metric, place, column):
        return None
    arguments = read_arguments(metric, item, place, column)
    unit = _unit(metric, item, place)
    limits = read_limits(item, place, metric)
    check_counts(limits, unit, place)
    return Metric(
        name=item.name or _default_name(metric, arguments.columns),
        metric=metric,
        limits=limits,
        columns=arguments.columns,
        unit=unit,
        valid_values=arguments.valid_values,
        pattern=arguments.pattern,
        missing_values=arguments.missing_values,
        description=(item.description or "").strip(),
        severity=read_severity(item.severity, place / "severity"),
    )


def _known_metric(item: DataQuality, place: Place) -> MetricName | None:
    if item.rule is not None:
        (place / "rule").key_error("'rule' is deprecated in ODCS; write 'metric'")
        return None
    if item.metric not in METRICS:
        (place / "metric").error(
            f"metric '{item.metric}' is not known.{nearest(str(item.metric), METRICS)} "
            f"Known: {', '.join(METRICS)}"
        )
        return None
    return cast("MetricName", item.metric)


def _stands_right(metric: MetricName, place: Place, column: Column | None) -> bool:
    here = place / "metric"
    if metric == "rowCount" and column is not None:
        here.error(
            f"rowCount counts records of a batch; move it from column '{column.name}' to "
            "'quality' of the schema"
        )
        return False
    if metric not in ("rowCount", "duplicateValues") and column is None:
        here.error(f"{metric} counts values of a column; move it to 'quality' of that column")
        return False
    return True


def _default_name(metric: MetricName, columns: tuple[str, ...]) -> str:
    return f"{'_'.join(columns)}.{metric}" if columns else "row_count"


def _unit(metric: MetricName, item: DataQuality, place: Place) -> Literal["rows", "percent"]:
    here = place / "unit"
    if metric == "rowCount" and item.unit not in (None, "rows"):
        here.error(f"rowCount is counted in rows, not in '{item.unit}'")
    elif item.unit not in (None, *UNITS):
        here.error(
            f"unit '{item.unit}' is not known.{nearest(item.unit, UNITS)} Expected rows or percent"
        )
    return "percent" if item.unit == "percent" and metric != "rowCount" else "rows"
