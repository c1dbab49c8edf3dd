"""What a forecast knew, who made it and when."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from f1_app import queries
from f1_app.dashboard import data, style


def provenance(frame: pd.DataFrame, horizon: str, model: str) -> None:
    """What the forecast knew, who made it and when: without it a probability cannot be judged."""
    row = frame.iloc[0]
    version = int(row["model_version"])
    knows = style.HORIZON_KNOWS.get(horizon, style.horizon_label(horizon))
    made_by = f"{style.model_label(model)}, version {version}"
    trained = data.read(queries.forecasts.trained_model, model, horizon, version)
    if trained is not None:
        made_by += f" (trained on {trained.training_rows:,} entries up to {trained.trained_through})"
    if pd.notna(row["stood_in_for"]):
        made_by += f", in place of versions for {row['stood_in_for']} that could not be stored"
    drawn = f" · {int(row['draws']):,} races drawn" if pd.notna(row["draws"]) else ""
    st.caption(
        f"**{knows}, cutoff {style.utc_minute(row['cutoff'])}** · {made_by} · data release"
        f" {row['data_release']} · made {style.utc_minute(row['created_at'])}{drawn}"
    )
