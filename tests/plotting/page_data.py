"""The data in a page of a map."""

import json
import re


def in_page(page: str) -> dict:
    (data,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL
    )
    return json.loads(data)
