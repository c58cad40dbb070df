"""What notebooks show: tables of our own, and whole pages in a frame of their own."""
from __future__ import annotations

import html
from typing import Iterable, Sequence

FRAME = ('<iframe srcdoc="%s" sandbox="allow-scripts" title="gilspy" '
         'style="width:100%%;height:%dpx;border:1px solid #8884;background:#fff"></iframe>')


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table. What comes from the process is escaped here, and nowhere else."""
    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>%s</tr>" % "".join("<%s>%s</%s>" % (tag, html.escape(cell), tag) for cell in cells)

    body = "".join(line("td", row) for row in rows)
    above = "<caption>%s</caption>" % html.escape(caption) if caption else ""
    return "<table>%s<thead>%s</thead><tbody>%s</tbody></table>" % (above, line("th", head), body)


def text(words: str) -> str:
    return '<pre style="word-break:normal">%s</pre>' % html.escape(words)


class Page(str):
    """A document that draws itself in a notebook: html or svg, as text.

    It needs no network and is shown in a sandboxed frame, also by a saved notebook: nothing of it reaches the page.
    """

    height = 640

    def _repr_html_(self) -> str:
        return FRAME % (html.escape(self), self.height)

    def __repr__(self) -> str:
        return "<gilspy page of %d characters>" % len(self)
