"""Views of the finishing orders behind a stored forecast: places, pairs, teams.

Not stored are the orders themselves: the stored probabilities and strengths, the seed, the number of draws and the
way they were drawn give the same orders again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from f1_pipeline.domain.points import points_to_come
from f1_pipeline.forecasting.grouping import Floats
from f1_pipeline.forecasting.orders import OrderDistribution, draw_orders


def orders_of(rows: pd.DataFrame) -> OrderDistribution:
    """The finishing orders behind the rows of ``predictions`` of one race, horizon and model, in their order.

    Raises:
        ValueError: the rows are of more than one forecast, or of one whose orders cannot be drawn again.
    """
    one = rows[["race_key", "horizon", "model", "seed", "draws", "drawing"]].drop_duplicates()
    if len(one) != 1 or one["draws"].isna().any():
        raise ValueError("the orders of one forecast are drawn at a time, from its seed and number of draws")
    # Orders are drawn in the order in which drivers were forecast.
    ordered = rows.sort_values("driver_id", kind="stable")
    places = ordered["place_strength"].to_numpy(dtype=np.float64, na_value=np.nan)
    how = one["drawing"].iloc[0]
    drawn = draw_orders(
        ordered["win_probability"].to_numpy(dtype=np.float64),
        int(one["draws"].iloc[0]),
        int(one["seed"].iloc[0]),
        ordered["retirement_probability"].to_numpy(dtype=np.float64),
        None if np.isnan(places).any() else places,
        # There was one way only when this was not stored yet.
        1 if pd.isna(how) else int(how),
    )
    place = ordered["driver_id"].reset_index(drop=True).reset_index().set_index("driver_id")["index"]
    at = place.loc[rows["driver_id"]].to_numpy()
    return OrderDistribution(drawn.positions[:, at], drawn.retired[:, at], drawn.weights)


def distribution_rows(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """``positions``, ``head_to_head`` and ``constructors`` of one forecast (see ``orders_of``)."""
    rows = rows.sort_values("driver_id", kind="stable").reset_index(drop=True)
    orders = orders_of(rows)
    head = {name: rows[name].iloc[0] for name in ("race_key", "horizon", "model")}
    drivers = rows["driver_id"].to_numpy()
    count = len(drivers)
    places = pd.DataFrame(
        {
            **head,
            "driver_id": np.repeat(drivers, count),
            "position": np.tile(np.arange(1, count + 1), count),
            "probability": np.minimum(orders.position_matrix().ravel(), 1.0),
        }
    )
    first, second = np.triu_indices(count, k=1)
    pairs = pd.DataFrame(
        {
            **head,
            "driver_id": drivers[first],
            "rival_id": drivers[second],
            "probability": np.minimum(orders.ahead()[first, second], 1.0),
        }
    )
    return {"positions": places, "head_to_head": pairs, "constructors": _constructors(rows, orders, head)}


def _constructors(rows: pd.DataFrame, orders: OrderDistribution, head: dict[str, str]) -> pd.DataFrame:
    teams, of_driver = np.unique(rows["constructor_id"].to_numpy(dtype=str), return_inverse=True)
    member = np.zeros((len(rows), len(teams)))
    member[np.arange(len(rows)), of_driver] = 1.0
    points: Floats = orders.points(points_to_come(str(head["race_key"]))) @ member
    best = points == points.max(axis=1, keepdims=True)
    return pd.DataFrame(
        {
            **head,
            "constructor_id": teams,
            "win_probability": np.minimum(rows["win_probability"].to_numpy(dtype=np.float64) @ member, 1.0),
            "expected_points": orders.weights @ points,
            # Level teams share: two of them have half each.
            "most_points_probability": np.minimum(
                orders.weights @ (best / best.sum(axis=1, keepdims=True)), 1.0
            ),
        }
    )
