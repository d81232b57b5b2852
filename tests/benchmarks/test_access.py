"""The benchmark of tokens measures tokens that count."""

from benchmarks.access import identification


def test_every_kind_of_token_has_its_row() -> None:
    heading, line, *rows = identification(3)
    assert heading.count("|") == line.count("|") == 5
    assert [row.split(" | ")[0] for row in rows] == [
        "| static, compared with each",
        "| signed (EdDSA), first seen",
        "| signed (EdDSA), remembered",
        "| signed (HS256), first seen",
        "| signed (HS256), remembered",
    ]
