"""Torch networks that become bundles; `MODELS` (promptable) and `CLICK_MODELS` (interactive) are those that
`train` knows, `make_network` makes any promptable one, `make_click_network` any interactive one."""

from __future__ import annotations

from collections.abc import Callable

from model_export.models.click_network import ClickNetwork
from model_export.models.clicks import SegserveClicks
from model_export.models.lite import SegserveLite
from model_export.models.network import Network

MODELS: dict[str, Callable[[], SegserveLite]] = {"segserve-lite": SegserveLite}
CLICK_MODELS: dict[str, Callable[[], SegserveClicks]] = {"segserve-clicks": SegserveClicks}


def make_network(name: str) -> Network:
    """With random weights. Raises ValueError for a name that is not known."""
    if name in MODELS:
        return MODELS[name]()
    from model_export.models.published import PUBLISHED  # imports transformers, which takes seconds

    if name not in PUBLISHED:
        known = ", ".join(sorted([*MODELS, *PUBLISHED]))
        raise ValueError(f"no network is called {name!r}; there is {known}")
    return PUBLISHED[name].make()


def make_click_network(name: str) -> ClickNetwork:
    """With random weights. Raises ValueError for a name that is not known."""
    if name in CLICK_MODELS:
        return CLICK_MODELS[name]()
    from model_export.models.click_published import CLICK_PUBLISHED  # imports transformers, as above

    if name not in CLICK_PUBLISHED:
        known = ", ".join(sorted([*CLICK_MODELS, *CLICK_PUBLISHED]))
        raise ValueError(f"no network of kind interactive is called {name!r}; there is {known}")
    return CLICK_PUBLISHED[name].make()
