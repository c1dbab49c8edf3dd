"""The read API: what the pipeline has put into the tables, for other people's tools."""
