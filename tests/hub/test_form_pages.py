"""Our pages over the templates of the JupyterHub that is installed; every name that they use exists."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from jupyterhub._data import DATA_FILES_PATH

from jupyterhub_libretexts.hub.notices import Notice
from jupyterhub_libretexts.hub.pages import share_path, template_path

STOCK = Path(DATA_FILES_PATH) / "templates"


def hub_environment():
    """The environment that JupyterHub makes with our folder in template_paths, made strict."""
    base = FileSystemLoader([str(STOCK)])
    loader = ChoiceLoader([PrefixLoader({"templates": base}, "/"), FileSystemLoader(template_path()), base])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)


def rendered(name, **more):
    user = SimpleNamespace(name="ada", json_escaped_name="ada", spawner=SimpleNamespace(options_form=True))
    everything = {
        "announcement": "",
        "announcement_spawn": "",
        "announcement_spawn_pending": "",
        "admin_access": False,
        "auth_state": None,
        "base_url": "/hub/",
        "for_user": user,
        "html_error_message": "",
        "error_message": "",
        "login_url": "/hub/login",
        "logo_url": "",
        "logout_url": "/hub/logout",
        "no_spawner_check": False,
        "parsed_scopes": {},
        "prefix": "/",
        "progress_url": "/hub/api/users/ada/server/progress",
        "services": [],
        "settings_problems": (),
        "spawner": user.spawner,
        "spawner_options_form": '<div class="lt-form" data-open="1">the form</div>',
        "static_url": lambda path, **_: f"/hub/static/{path}",
        "url": "/hub/spawn?_xsrf=x",
        "user": user,
        "version_hash": "",
        "xsrf": "x",
        "xsrf_token": "x",
    }
    return hub_environment().get_template(name).render({**everything, **more})


def test_the_form_stands_in_the_hubs_own_form_element_with_its_button():
    """Else nothing can be submitted."""
    page = rendered("spawn.html")
    assert page.index("<form") < page.index("the form") < page.index('type="submit"') < page.index("</form>")
    assert page.count("<h1>") == 1
    assert "Choose what to work with" in page


def test_there_is_no_button_where_nothing_is_open():
    """Else a student presses what can only fail."""
    page = rendered("spawn.html", spawner_options_form='<div class="lt-form" data-open="0">reasons</div>')
    assert "reasons" in page
    assert "<form" not in page
    assert 'type="submit"' not in page


def test_a_form_of_stock_kubespawner_keeps_the_hubs_page():
    """Else a hub without settings looks different after our package is installed."""
    page = rendered("spawn.html", spawner_options_form="<p>stock</p>")
    assert "Server Options" in page
    assert "Choose what to work with" not in page


@pytest.mark.parametrize("form", ["0", "1"])
def test_an_error_is_shown_in_either_form_in_which_the_hub_tells_it(form):
    """Else a refusal with markup is a page that says nothing (the hub's own page loses it)."""
    fragment = f'<div class="lt-form" data-open="{form}">f</div>'
    page = rendered("spawn.html", spawner_options_form=fragment, html_error_message="<b>told</b>")
    assert "<b>told</b>" in page
    page = rendered("spawn.html", spawner_options_form=fragment, error_message="<i>plain</i>")
    assert "&lt;i&gt;plain&lt;/i&gt;" in page


def test_the_waiting_page_goes_on_without_scripts():
    """Else somebody without scripts waits for ever before a server that runs."""
    page = rendered("spawn_pending.html")
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "progress" in page


def test_every_page_of_ours_that_replaces_one_of_the_hub_is_rendered_here():
    """Else a page that was added breaks on one of the two hubs unseen."""
    ours = {path.name for path in (share_path() / "templates").glob("*.html")}
    assert {name for name in ours if (STOCK / name).exists()} <= {
        "home.html",
        "page.html",
        "spawn.html",
        "spawn_pending.html",
    }


def test_mistakes_of_the_settings_are_on_every_page_of_those_who_are_told():
    """Else a bad edit is only in a log that nobody reads."""
    page = rendered("page.html", settings_problems=["a.yaml:3:5: <b>: no"])
    assert "a.yaml:3:5: &lt;b&gt;: no" in page
    assert "have mistakes" not in rendered("page.html")


def test_the_home_page_tells_what_ends_soon_and_whose_turn_it_is():
    """Else work is lost at an end that nobody announced, or a turn to somebody who looked elsewhere."""
    server = SimpleNamespace(active=False, name="", ready=False)
    page = rendered(
        "home.html",
        notices=(Notice("Ends <soon>.", warning=True), Notice("You wait.", line=True)),
        default_server=server,
        allow_named_servers=False,
        spawners=[],
        url_path_join=lambda *parts: "/".join(parts),
    )
    assert '<p class="alert alert-warning" role="status">Ends &lt;soon&gt;.</p>' in page
    assert '<a href="/hub/libretexts/line">See your place</a>' in page
    assert page.index("Ends") < page.index('id="start"')
