"""Where a link to a heading leads."""


def jupyter(heading: str) -> str:
    """Return the anchor that JupyterLab gives a heading."""
    return heading.replace(" ", "-")
