"""Find the films in whatever was dropped or named: files, folders, zips, mixed, ten thousand."""

from core.prediction.film_search.found import FoundFilm, RefusedFilm
from core.prediction.film_search.search import find_films
from core.prediction.film_search.seen import SeenFilms

__all__ = ["FoundFilm", "RefusedFilm", "SeenFilms", "find_films"]
