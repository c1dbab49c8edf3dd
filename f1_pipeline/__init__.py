"""The pipeline: sources, rules, ratings, features, models, forecasts and scores, as Dagster assets."""
