"""A viewer for films as on a radiologist's workstation."""

from app.widgets.viewer.film_pane import FilmPane
from app.widgets.viewer.tool import Tool
from app.widgets.viewer.viewer_desk import ViewerDesk

__all__ = ["FilmPane", "Tool", "ViewerDesk"]
