from __future__ import annotations

import ast
import doctest
import inspect
import re
from pathlib import Path

import pytest

import skumap.compliance as compliance

PACKAGE = Path(compliance.__file__).parent
DOCS = PACKAGE.parents[1] / "docs" / "compliance.md"
FUNCTIONS = [name for name in compliance.__all__ if inspect.isroutine(getattr(compliance, name))]


def test_every_example_in_the_docs_runs():
    result = doctest.testfile(
        str(DOCS), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE, encoding="utf-8"
    )

    assert result.failed == 0
    assert result.attempted > len(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_has_words_and_an_example(name):
    lines = (line.strip() for line in DOCS.read_text(encoding="utf-8").splitlines())
    examples = "\n".join(line for line in lines if line.startswith((">>>", "...")))

    assert inspect.getdoc(getattr(compliance, name))
    assert re.search(rf"\b{name}\(", examples), f"{name} has no example in docs/compliance.md"


def test_every_public_name_exists_and_is_listed_once():
    assert len(set(compliance.__all__)) == len(compliance.__all__)
    assert all(hasattr(compliance, name) for name in compliance.__all__)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_every_module_is_pure_and_small(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }

    assert not imported & {
        "django",
        "celery",
        "requests",
        "redis",
        "psycopg",
        "os",
        "socket",
        "urllib",
        "inventory_sync",
    }
    assert not {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"now", "today", "utcnow"}
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300
