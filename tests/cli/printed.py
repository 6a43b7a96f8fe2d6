"""What commands print, read strictly."""

import json


def parse_json(text):
    """Parse strictly: NaN and Infinity are not JSON."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)
