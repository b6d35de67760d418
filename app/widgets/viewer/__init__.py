"""A viewer for films as on a radiologist's workstation."""

from app.widgets.viewer.desk import ViewerDesk
from app.widgets.viewer.pane import FilmPane, Tool

__all__ = ["FilmPane", "Tool", "ViewerDesk"]
