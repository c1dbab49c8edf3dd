"""One file a page; Streamlit runs them as scripts.

The directory must not be called ``pages``: Streamlit takes a directory of that name beside the entry for
its older kind of multipage app, and a server whose first visitor opens an inner page then runs that
page without the entry, so without banner and footer.
"""
