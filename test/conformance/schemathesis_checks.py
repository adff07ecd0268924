"""Loaded by schemathesis: a check of server errors, and names of connectors that exist."""

import schemathesis

EXISTING = ("src", "snk", "off")


@schemathesis.check
def documented_server_error(ctx, response, case):
    """A status of 500 and above is listed by its number, and not only under `default`."""
    if response.status_code < 500:
        return
    documented = case.operation.definition.raw.get("responses", {})
    assert str(response.status_code) in documented, f"{response.status_code} is not documented: {response.text[:300]}"


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """Three of four requests are for a connector that exists."""
    if path_parameters and "connector" in path_parameters:
        choice = len(str(path_parameters["connector"])) % (len(EXISTING) + 1)
        if choice < len(EXISTING):
            path_parameters["connector"] = EXISTING[choice]
    return path_parameters
