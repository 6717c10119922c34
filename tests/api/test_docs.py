"""What the documents tell people to type is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import resolve

from channels_amazon.adapter import AmazonAdapter
from channels_flipkart.adapter import FlipkartAdapter
from channels_shopify.adapter import ShopifyAdapter
from inventory_sync.engine.accounts import ENGINE_DEFAULTS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = {page.name: page.read_text(encoding="utf-8") for page in PAGES}


@pytest.mark.parametrize("page", TEXT)
def test_every_command_and_option_exists(page):
    text = TEXT[page].replace("\\\n", " ")
    commands = get_commands()

    for name, rest in re.findall(r"manage\.py (\w+)([^\n`]*)", text):
        assert name in commands, f"{page}: manage.py {name}"
        parser = load_command_class(commands[name], name).create_parser("manage.py", name)
        known = {option for action in parser._actions for option in action.option_strings}
        for option in re.findall(r"(?<![\w-])--[a-z-]+", rest.split(" #")[0]):
            assert option in known, f"{page}: manage.py {name} {option}"


@pytest.mark.parametrize("page", TEXT)
def test_every_setting_exists(page):
    known = {*ENGINE_DEFAULTS, *AmazonAdapter.defaults, *FlipkartAdapter.defaults, *ShopifyAdapter.defaults}

    for name in re.findall(r'--setting "?([a-z_]+)=', TEXT[page]):
        assert name in known, f"{page}: {name}"


@pytest.mark.parametrize("page", TEXT)
def test_every_link_to_another_page_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT[page]):
        base = ROOT if page == "README.md" else ROOT / "docs"
        assert (base / target).exists(), f"{page}: {target}"


def test_every_address_of_the_api_exists():
    paths = re.findall(r"\$API/([a-z0-9/-]+)", TEXT["api.md"])

    assert len(paths) > 8
    for path in paths:
        assert resolve(f"/api/v1/{path}").url_name != "api-root", path
        assert resolve(f"/api/v1/{path}").func.__name__ != "api_not_found", path
