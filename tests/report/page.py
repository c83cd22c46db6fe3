"""A page taken apart, and what must hold of every page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "hr", "img", "input"}
# In SVG these may close themselves; html.parser tells them apart already.


@dataclass
class Element:
    """One start tag with its attributes and all text inside it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: tuple[str, ...] = ()


@dataclass
class Page(HTMLParser):
    """The elements of a page, in order."""

    source: str
    elements: list[Element] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert self._open == [], [one.tag for one in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(
            tag,
            {name: value or "" for name, value in attrs},
            inside=tuple(one.tag for one in self._open),
        )
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        """List the elements of these tags, in order."""
        return [one for one in self.elements if one.tag in tags]

    def only(self, tag: str) -> Element:
        """Return the one element of a tag."""
        (found,) = self.all(tag)
        return found

    @property
    def text(self) -> str:
        """All text a person reads, with runs of white space as one space."""
        return " ".join(self.only("body").text.split())


def check_page(source: str) -> Page:
    """Check what must hold of every report, and return its parts."""
    page = Page(source)
    _check_self_contained(page)
    _check_structure(page)
    _check_tables_and_figures(page)
    assert re.findall(r"\b(?:nan|inf|None)\b", page.text) == []
    return page


def _check_self_contained(page: Page) -> None:
    assert "http:" not in page.source
    assert "https:" not in page.source
    assert page.all("script", "link", "img", "iframe", "object", "embed", "base", "form") == []
    assert "@import" not in page.source
    assert "@font-face" not in page.source
    for address in re.findall(r"url\(([^)]*)\)", page.source):
        assert address.startswith("#")
    ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert len(ids) == len(set(ids)), "an id is there twice"
    for one in page.elements:
        for name, value in one.attributes.items():
            assert not name.startswith("on"), f"{name} is a script"
            if name in {"href", "src", "aria-labelledby"}:
                assert value.removeprefix("#") in ids, f"{name}={value} leads nowhere"
                assert name == "aria-labelledby" or value.startswith("#")


def _check_structure(page: Page) -> None:
    assert page.source.startswith("<!DOCTYPE html>")
    assert page.only("html").attributes["lang"] == "en"
    assert page.only("title").text.strip()
    for landmark in ("header", "nav", "main", "footer"):
        page.only(landmark)
    level = 0
    headings = page.all("h1", "h2", "h3", "h4", "h5")
    assert [one.tag for one in headings].count("h1") == 1
    for heading in headings:
        found = int(heading.tag[1])
        assert found <= level + 1, f"{heading.text!r} skips a level"
        assert heading.text.strip()
        level = found


def is_mark(drawing: Element) -> bool:
    """Return whether a drawing only repeats the text beside it."""
    return drawing.attributes.get("aria-hidden") == "true" or "svg" in drawing.inside


def _check_tables_and_figures(page: Page) -> None:
    captions = [" ".join(one.text.split()) for one in page.all("caption")]
    assert len(captions) == len(page.all("table"))
    assert len(captions) == len(set(captions)), "two tables have the same caption"
    assert all(captions)
    assert all(one.attributes.get("scope") in {"col", "row", "rowgroup"} for one in page.all("th"))
    drawings = [one for one in page.all("svg") if not is_mark(one)]
    assert len(drawings) == len(page.all("figure")) == len(page.all("figcaption"))
    for drawing in drawings:
        assert drawing.attributes["role"] == "img"
        assert len(drawing.attributes["aria-label"]) > 20
    for cell in re.findall(r"<td[^>]*>(.*?)</td>", page.source, re.DOTALL):
        # Screen readers skip the marks, so the text beside them says it all.
        assert "<svg" not in cell or re.sub(r"<[^>]*>", "", cell).strip()
    for one in page.elements:
        if "svg" in one.inside:
            assert one.tag != "style", "a style in a figure applies to the whole page"
