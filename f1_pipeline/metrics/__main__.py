"""``python -m f1_pipeline.metrics``: as the supervisor and a container start it."""

from f1_pipeline import logs
from f1_pipeline.metrics.server import serve_until_stopped
from f1_pipeline.settings import get_settings

if __name__ == "__main__":
    logs.configure(get_settings(), "metrics")
    serve_until_stopped(get_settings())
