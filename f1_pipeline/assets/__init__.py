"""Thin Dagster assets over the pure parts."""
