import pytest

from lakehouse_pipeline.lake.beyond_reach import beyond_reach, keeps_versions


@pytest.mark.parametrize(
    ("url", "versions", "kept", "said"),
    [
        ("s3://b/p", ["", "3a"], True, "s3://b keeps older versions of its objects"),
        ("s3://b/p", ["null"], True, "keeps older versions"),  # a bucket that once kept them
        ("s3://b", ["", ""], False, "gave no version of its objects"),
        ("az://b", [""], False, "snapshots, and blobs that were deleted softly"),
        (
            "az://b",
            ["2026-11-25T08:15:14.0Z"],
            True,
            "what was deleted or rewritten is still there",
        ),
        ("gs://b", ["1764058514"], None, "does not tell whether it keeps older versions"),
        ("s3://b", [], None, "parts of uploads that broke off"),
    ],
)
def test_what_a_bucket_may_still_hold_is_said_by_what_its_objects_tell(
    url: str, versions: list[str], kept: bool | None, said: str
) -> None:
    assert keeps_versions(url, versions) is kept
    assert said in beyond_reach(url, versions)
    assert "a lifecycle rule of the bucket must end them" in beyond_reach(url, versions)
