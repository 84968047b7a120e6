"""What the schemas of an OpenAPI document say of values.

In: {"document": …, "asked": [{"schema": …, "value": …}, …]}. Out: {"document": [what is wrong with it as OpenAPI], "asked": [[what is
wrong with each value], …]}.
"""

import base64
import binascii
import json
import sys

import jsonschema_rs
from schemathesis.specs.openapi.definitions import OPENAPI_30_VALIDATOR


def is_nkey(text):
    """Whether the last two bytes are the sum over the others."""
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error:
        return False
    return int.from_bytes(raw[-2:], "little") == binascii.crc_hqx(raw[:-2], 0)


def wrong(validator, value):
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


told = json.load(sys.stdin)
document = told["document"]


def judged(schema, value):
    # References lead into the document; schemas of OpenAPI 3.0 are JSON Schema as of draft 4.
    whole = {**schema, "components": document["components"]}
    return wrong(jsonschema_rs.Draft4Validator(whole, formats={"nkey": is_nkey}, validate_formats=True), value)


asked = [judged(one["schema"], one["value"]) for one in told["asked"]]
print(json.dumps({"document": wrong(OPENAPI_30_VALIDATOR, document), "asked": asked}))
