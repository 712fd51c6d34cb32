"""A picture to click on where scripts run; graphs and explorer share ``player``, its buttons and keys over steps."""

import base64
import html
import json
from functools import cache
from importlib.resources import files


def live_image(png: bytes, width: int, alt: str, package: str, scripts: list, data: dict, attributes: str = "") -> str:
    """Return one ``<img>`` element that calls a function of JavaScript once it is loaded, as ``function(img, data)``.

    It needs no network, kernel, style sheet or id. Where scripts are stripped, the picture and its words stay. The
    width is in pixels of the page; the function bears the name of the first of the package's scripts; `data` becomes
    JSON; further attributes, escaped, each begin with a space.
    """
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    code = _script(__name__, "player") + "".join(_script(package, name) for name in scripts)
    call = f"(function(img,data){{img.onload=null;{code}{scripts[0]}(img,data)}})(this,{written})"
    in_quotes = call.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return (
        f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" width="{width}" alt="{html.escape(alt)}"'
        f' style="max-width:100%;height:auto"{attributes} onload="{in_quotes}">'
    )


@cache
def _script(package: str, name: str) -> str:
    """Return a JavaScript file of a package without comments and indents."""
    lines = files(package).joinpath(f"{name}.js").read_text(encoding="utf-8").splitlines()
    bare = (line.split("  //")[0].strip() for line in lines)
    return "".join(f"{line}\n" for line in bare if line and not line.startswith("//"))
