"""Elements of a page; text and attributes are escaped by what writes them."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

Child = Element | str | None


def element(tag: str, *children: Child, **attributes: object) -> Element:
    """Return an element with children in order; None is left out. ``class_`` is class, ``aria_label`` aria-label."""
    made = Element(tag, {name.strip("_").replace("_", "-"): str(value) for name, value in attributes.items()})
    for child in children:
        if isinstance(child, str):
            if len(made):
                made[-1].tail = (made[-1].tail or "") + child
            else:
                made.text = (made.text or "") + child
        elif child is not None:
            made.append(child)
    return made


def html(root: Element) -> str:
    """Write an element as HTML."""
    return tostring(root, encoding="unicode", method="html")
