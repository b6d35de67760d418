"""Help: the pages of resources/help in the language of the window."""
