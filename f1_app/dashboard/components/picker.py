"""Choices that live in the address of the page, so that a view can be shared.

What an address says is checked against what there is to choose from; anything else falls back to the
default and disappears from the address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import streamlit as st


def choose(
    label: str,
    options: Sequence[str],
    *,
    page: str,
    name: str,
    default: str,
    show: Callable[[str], str] = str,
    kind: Literal["list", "radio"] = "list",
    pinned: bool = False,
    help: str | None = None,
) -> str:
    """Let the reader choose one of the options, starting from the address.

    Args:
        label: What is chosen.
        options: What there is; not empty.
        page: Name of the page, so that pages do not share widgets.
        name: Name of the query parameter.
        default: Option to start with when the address names none that exists.
        show: How an option is called.
        kind: A drop-down list, or radio buttons for two or three options.
        pinned: Keep the choice in the address even while it is the default, because the default moves
            (the newest race is another one next week, and a shared address must not change with it).
        help: Explanation beside the label.
    """
    key = f"{page}:{name}"
    if st.session_state.get(key) not in options:
        wanted = st.query_params.get(name)
        st.session_state[key] = wanted if wanted in options else default
    if kind == "radio":
        value = st.radio(label, options, key=key, format_func=show, horizontal=True, help=help)
    else:
        value = st.selectbox(label, options, key=key, format_func=show, help=help)
    chosen = value if value in options else default
    if pinned or chosen != default:
        if st.query_params.get(name) != chosen:
            st.query_params[name] = chosen
    elif name in st.query_params:
        del st.query_params[name]
    return chosen


def choose_many(
    label: str,
    options: Sequence[str],
    *,
    page: str,
    name: str,
    limit: int,
    show: Callable[[str], str] = str,
    placeholder: str | None = None,
    help: str | None = None,
) -> list[str]:
    """Let the reader choose some of the options, or none, starting from the address.

    In the address they stand with commas between them. What is no option, what is there twice and what is beyond the
    limit is left out, and disappears from the address.

    Args:
        label: What is chosen.
        options: What there is.
        page: Name of the page, so that pages do not share widgets.
        name: Name of the query parameter.
        limit: How many at most.
        show: How an option is called.
        placeholder: What the empty field says.
        help: Explanation beside the label.
    """
    key = f"{page}:{name}"
    known = set(options)
    wanted = st.session_state.get(key)
    if wanted is None:
        wanted = st.query_params.get(name, "").split(",")
    st.session_state[key] = [one for one in dict.fromkeys(wanted) if one in known][:limit]
    chosen = st.multiselect(
        label,
        options,
        key=key,
        format_func=show,
        max_selections=limit,
        placeholder=placeholder,
        help=help,
    )
    if chosen:
        if st.query_params.get(name) != ",".join(chosen):
            st.query_params[name] = ",".join(chosen)
    elif name in st.query_params:
        del st.query_params[name]
    return chosen


def choose_one_and_view(
    label: str,
    options: Sequence[str],
    views: Mapping[str, str],
    *,
    page: str,
    name: str,
    default: str,
    show: Callable[[str], str],
) -> tuple[str, str]:
    """The head of a page about one of many (a driver, a team, a circuit): whom, and which part of the page.

    Args:
        label: What is chosen.
        options: What there is; not empty.
        views: The parts of the page by their name in the address (``view``); the first is shown first.
        page: Name of the page.
        name: Name of the query parameter.
        default: Whom to start with, if there is such a one.
        show: How an option is called.
    """
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        chosen = choose(
            label,
            options,
            page=page,
            name=name,
            default=default if default in options else options[0],
            show=show,
            pinned=True,
            help="Type a part of the name. The newest are on top.",
        )
    with right:
        view = choose(
            "Show",
            list(views),
            page=page,
            name="view",
            default=next(iter(views)),
            show=lambda key: views[key],
            kind="radio",
        )
    return chosen, view
