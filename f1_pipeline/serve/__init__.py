"""The servers of the product under one supervisor: ``serve`` runs them until Ctrl-C."""

from f1_pipeline.serve.services import serve, services
from f1_pipeline.serve.supervisor import PortInUse, Service, Supervisor

__all__ = ["PortInUse", "Service", "Supervisor", "serve", "services"]
