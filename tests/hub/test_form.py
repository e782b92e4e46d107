"""The form: what people read, what they can pick, and what comes back when they do."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_libretexts.core.catalogue import catalogue
from jupyterhub_libretexts.core.choice import Choice, choice
from jupyterhub_libretexts.core.circumstances import Circumstances, GpuUse, Usage
from jupyterhub_libretexts.core.offers import offered_to
from jupyterhub_libretexts.core.people import person
from jupyterhub_libretexts.core.plan import plan
from jupyterhub_libretexts.errors import MalformedChoice
from jupyterhub_libretexts.hub.form import form, options
from jupyterhub_libretexts.settings.load import load_text

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

FILE = """
hub: {title: Test hub}
branding: {support: help@example.edu}
organizations:
  davis:
    title: UC Davis
    groups: [ml, sts]
    environments: [python, r]
    gpus: {slice: {total: 8, groups: [davis/ml]}}
  school:
    title: Partner school
    environments: [python]
environments:
  python: {title: Python, subject: Programming, description: For beginners., image: "i:1"}
  r: {title: R, subject: Statistics, image: "i:1", groups: [davis/sts], gpus: []}
sizes:
  small: {cpu: {guarantee: 0.5, limit: 2}, memory: {guarantee: 1Gi, limit: 2Gi}, default: true}
  large: {cpu: {guarantee: 1, limit: 4}, memory: {guarantee: 4Gi, limit: 8Gi}, groups: [davis/ml]}
gpus: {slice: {title: A tenth of an A100, resource: nvidia.com/mig-1g.10gb, total: 14}}
courses:
  davis/sts101: {title: STS 101, environment: python, members: [davis/sts], gpus: [], sizes: [small]}
  davis/old: {title: Old course, environment: python, members: [davis/sts], until: 2026-01-31}
"""
SETTINGS = load_text(FILE)
CATALOGUE = catalogue(SETTINGS)
STS101 = {"organization": "davis", "course": "davis/sts101"}
FACTS = Circumstances(now=NOW, gpus={"slice": GpuUse(total=14, by_organization={"davis": 5})})


class Page(HTMLParser):
    """What a browser finds in the fragment."""

    def __init__(self, html):
        super().__init__()
        self.inputs, self.links, self.tags, self.words = [], [], [], []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(word for word in self.words))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "input":
            self.inputs.append(dict(attrs))
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data):
        if self.lasttag != "style":
            self.words.append(data)

    def post(self, **changed):
        """What a browser sends, with radio buttons changed by name."""
        sent = {item["name"]: [item["value"]] for item in self.inputs if "checked" in item}
        return sent | {name: [value] for name, value in changed.items()}

    def subjects(self):
        return [item["value"] for item in self.inputs if item["name"] == "subject"]


def shown(*groups, last=None, facts=FACTS, name="ada"):
    offers = offered_to(CATALOGUE, person(name, groups), facts)
    return form.rendered(offers, last or Choice(), settings=SETTINGS, username=name)


def test_what_a_browser_sends_for_each_subject_is_planned_as_shown():
    """Else a student picks one thing and another starts, or a shown thing is refused."""
    groups = ("davis", "davis/ml", "davis/sts", "school")
    page = Page(shown(*groups))
    assert len(page.subjects()) == 4
    for subject in page.subjects():
        chosen = choice(options(page.post(subject=subject)))
        made = plan(CATALOGUE, person("ada", groups), chosen, FACTS)
        assert dict(parse_qsl(subject)).items() <= made.choice.options().items()


def test_size_and_gpu_of_the_chosen_subject_count_and_those_of_others_do_not():
    """Else a hidden field of another card decides what a student gets."""
    page = Page(shown("davis", "davis/ml", "school"))
    davis = next(subject for subject in page.subjects() if "davis" in subject)
    sent = page.post(**{"subject": davis, f"size:{davis}": "large", f"gpu:{davis}": "slice"})
    assert choice(options(sent)) == Choice("davis", "python", "large", "slice")
    other = next(subject for subject in page.subjects() if "school" in subject)
    assert choice(options(sent | {"subject": [other]})) == Choice("school", "python", "small")


def test_what_is_closed_shows_its_reason_and_cannot_be_picked():
    """Else students pick what is refused, or never learn why they cannot."""
    page = Page(shown("davis"))
    assert [subject for subject in page.subjects() if "environment=r" in subject] == []
    assert "Closed: Only for davis/sts." in page.text
    assert [item["value"] for item in page.inputs if item["name"].startswith("size:")] == ["small"]
    assert "large: up to 4 cores, 8 GiB memory. Closed: Only for davis/ml." in page.text


def test_free_gpus_are_told_in_words():
    """Else students find out that all are taken only when the start fails."""
    text = Page(shown("davis", "davis/ml")).text
    assert "A tenth of an A100: free now: 3; 5 of 8 of your organisation in use; at most 1 for you." in text


def test_courses_come_first_and_those_of_other_days_are_folded():
    """Else a student looks for this term's course below four years of old ones."""
    html = shown("davis", "davis/sts")
    page = Page(html)
    assert "course=davis%2Fsts101" in page.subjects()[0]
    folded = html[html.index("<details>") : html.index("</details>")]
    assert "Ended on 31 January 2026." in folded
    assert "Courses of other days (1)" in folded


def test_organisations_are_named_only_for_somebody_with_several():
    """Else everybody reads the name of their own university above every list."""
    assert "UC Davis" not in Page(shown("davis")).text
    both = Page(shown("davis", "school")).text
    assert both.index("UC Davis") < both.index("Partner school")


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (Choice("school", "python"), {"organization": "school", "environment": "python"}),
        (
            Choice("davis", "python", course="davis/sts101"),
            {"organization": "davis", "course": "davis/sts101"},
        ),
        (Choice("davis", "gone"), {"organization": "davis", "course": "davis/sts101"}),
        (Choice("davis", "python", course="davis/old"), {"organization": "davis", "course": "davis/sts101"}),
    ],
)
def test_the_last_choice_is_selected_while_it_is_open(last, expected):
    """Else people pick the same again each morning, or the form has nothing selected."""
    page = Page(shown("davis", "davis/sts", "school", last=last))
    assert dict(parse_qsl(page.post()["subject"][0])) == expected


def test_the_last_size_and_gpu_are_selected_again_unless_they_closed():
    """Else a student starts small where they worked large, or is refused for what is taken."""
    last = Choice("davis", "python", "large", "slice")
    again = choice(options(Page(shown("davis", "davis/ml", last=last)).post()))
    assert again == last
    taken = Circumstances(now=NOW, gpus={"slice": GpuUse(total=14, by_organization={"davis": 8})})
    assert choice(options(Page(shown("davis", "davis/ml", last=last, facts=taken)).post())).gpu is None


@pytest.mark.parametrize("prefix", ["", "opt-"])
def test_the_link_of_the_last_choice_reproduces_it(prefix):
    """Else a link in course notes starts something else, on one of the two hubs that we support."""
    last = Choice("davis", "python", "large", "slice")
    page = Page(shown("davis", "davis/ml", last=last))
    address = urlsplit(page.links[0])
    assert address.path == "/hub/spawn"
    query = {f"{prefix}{name.removeprefix('opt-')}": value for name, value in parse_qs(address.query).items()}
    assert choice(options(query)) == last


def test_somebody_without_an_organisation_reads_why_and_what_to_do():
    """Else they meet a bare refusal and write to everybody."""
    page = Page(shown())
    assert "no organisation of Test hub has anything for this account" in page.text
    assert "mailto:help@example.edu" in page.links
    assert page.inputs == []


def test_with_everything_closed_the_reasons_and_the_address_for_help_stand_there():
    """Else a student presses a button that can only fail."""
    full = FILE.replace("title: Partner school", "title: Partner school\n    limits: {servers: 0}")
    settings = load_text(full)
    facts = Circumstances(now=NOW, usage={"school": Usage(servers=0)})
    offers = offered_to(catalogue(settings), person("ada", ["school"]), facts)
    html = form.rendered(offers, Choice(), settings=settings, username="ada")
    page = Page(html)
    assert page.inputs == []
    assert 'data-open="0"' in html
    assert "Nothing can be started now." in page.text
    assert "Partner school runs 0 servers, which is its limit." in page.text
    assert "mailto:help@example.edu" in page.links


def test_a_title_of_markup_shows_as_text():
    """Else whoever writes a title runs scripts in every student's session."""
    evil = "<script>alert(1)</script>"
    settings = load_text(FILE.replace("title: Python,", f'title: "{evil}",'))
    offers = offered_to(catalogue(settings), person("ada", ["school"]), FACTS)
    page = Page(form.rendered(offers, Choice(), settings=settings, username="ada"))
    assert evil in page.text
    assert "script" not in {tag for tag, _ in page.tags}


def test_the_form_needs_no_script_and_nothing_from_elsewhere():
    """Else it breaks under a strict policy, without scripts, or when another server is away."""
    html = shown("davis", "davis/ml", "davis/sts", "school")
    page = Page(html)
    assert "<script" not in html
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert not re.search(r"(src|href)=\"(https?:)?//|@import|url\(", html)


def test_each_field_has_a_label_and_each_group_a_legend():
    """Else somebody with a screen reader hears "radio button" and no more."""
    html = shown("davis", "davis/ml", "davis/sts", "school")
    page = Page(html)
    assert len(re.findall(r"<label[^>]*><input", html)) == len(page.inputs)
    assert html.count("<fieldset") == html.count("<legend")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["aria-describedby"] for _, attrs in page.tags if "aria-describedby" in attrs} <= set(ids)


words = st.text(max_size=40)
names = st.one_of(
    words,
    st.sampled_from(["subject", "_xsrf", "organization", "size:x", "gpu:", "opt-", "opt-subject", "profile"]),
)
subjects = st.one_of(
    words,
    st.sampled_from(
        [
            "organization=davis&environment=python",
            "organization=davis&organization=x",
            "organization=davis&course=",
            "&" * 40,
            "x" * 5000,
        ]
    ),
)
values = st.one_of(
    st.lists(st.one_of(words, subjects), max_size=3), st.just([{"body": b"x"}]), words, st.none()
)


@given(st.dictionaries(names, values, max_size=8), subjects)
def test_whatever_is_sent_becomes_a_choice_or_is_refused_in_words(sent, subject):
    """Else a crafted request is a traceback, or a choice that no form made."""
    for data in (sent, sent | {"subject": [subject]}):
        try:
            made = choice(options(data))
        except MalformedChoice:
            continue
        assert isinstance(made, Choice)


def test_an_unknown_field_is_refused_by_its_name():
    """Else a misspelt link starts the default and says nothing."""
    page = Page(shown("davis"))
    with pytest.raises(MalformedChoice, match=r"enviroment.*Did you mean environment"):
        choice(options(page.post(enviroment="r")))
    with pytest.raises(MalformedChoice, match="cannot be read"):
        options({"subject": ["organization=davis"]})
