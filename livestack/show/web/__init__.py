"""The page that guests see."""

from livestack.show.web.server import Page, bind, parse_bind, serve

__all__ = ["Page", "bind", "parse_bind", "serve"]
