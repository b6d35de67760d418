"""Know a film again by its content, whatever it is called the second time."""


class SeenFilms:
    """Content digests, each with the name under which it came first."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def meet(self, digest: str, name: str) -> str | None:
        """Note a film.

        Args:
            digest: The sha256 of its file.
            name: As the user knows it.

        Returns:
            The name of the film with the same content that came before; None: it is new.
        """
        first = self._names.get(digest)
        if first is None:
            self._names[digest] = name
        return first

    def forget(self, digest: str) -> None:
        """The film was put away: when it comes again, it is new."""
        self._names.pop(digest, None)

    def clear(self) -> None:
        """Forget all."""
        self._names.clear()
