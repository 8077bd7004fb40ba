"""Derives the exact descriptions of tests/support/openapi from docs/openapi.yaml and docs/admin.openapi.yaml: python exact.py [--check]

Those in docs are what generators read: answers are open to members and codes that a later version adds, and all refusals
are one `Problem`. The tests have to notice whatever isn't described. So a derived file
- closes every object that only answers have,
- merges each `x-exact` into the schema that has it,
- gives each code a schema of its own, made of its example, and each refusal the schemas of its examples.
"""

import copy
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DERIVED = {"docs/openapi.yaml": "tests/support/openapi/exact.yaml", "docs/admin.openapi.yaml": "tests/support/openapi/admin.exact.yaml"}
HEAD = "# Derived from {} by scripts/contract/exact.py, for the tests. Don't edit it.\n"
SCHEMAS, EXAMPLES = "#/components/schemas/", "#/components/examples/"
# It changes with the request, so the example doesn't fix it.
FREE = "detail"


class Dumper(yaml.SafeDumper):
    """Without anchors: the reader of the tests knows none."""

    def ignore_aliases(self, data):
        return True


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def merge_exact(node):
    if isinstance(node, dict):
        node.update(node.pop("x-exact", {}))
        if "x-extensible-enum" in node:
            node["enum"] = node.pop("x-extensible-enum")
        for value in node.values():
            merge_exact(value)
    elif isinstance(node, list):
        for item in node:
            merge_exact(item)


def close(document):
    of_requests = {
        reference
        for path in document["paths"].values()
        for operation in path.values()
        for reference in references(operation.get("requestBody", {}))
    }
    for name, schema in document["components"]["schemas"].items():
        if schema["type"] == "object" and name != "Problem" and SCHEMAS + name not in of_requests:
            # A map says itself what its members are.
            schema.setdefault("additionalProperties", False)


def split_problems(document):
    schemas = document["components"]["schemas"]
    detail = schemas["Problem"]["properties"].pop(FREE)
    for name, example in document["components"]["examples"].items():
        members = example["value"]
        properties = {member: {"const": value} for member, value in members.items() if member not in (FREE, "type")}
        if FREE in members:
            properties[FREE] = copy.deepcopy(detail)
        schemas[name] = {"allOf": [{"$ref": SCHEMAS + "Problem"}], "properties": properties, "unevaluatedProperties": False}
    for response in document["components"]["responses"].values():
        content = response.get("content", {}).get("application/problem+json")
        if content:
            names = [example["$ref"].removeprefix(EXAMPLES) for example in content["examples"].values()]
            exact = [{"$ref": SCHEMAS + name} for name in names]
            content["schema"] = exact[0] if len(exact) == 1 else {"oneOf": exact}


def exact(document):
    close(document)
    merge_exact(document)
    split_problems(document)
    return document


def main(arguments):
    # Dates stay text, as JSON has them.
    loader = yaml.SafeLoader
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in loader.yaml_implicit_resolvers.items()
    }
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__)
    for source, derived in DERIVED.items():
        document = exact(yaml.load((ROOT / source).read_text(encoding="utf-8"), loader))
        text = HEAD.format(source) + yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=130)
        file = ROOT / derived
        if not arguments:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            sys.exit(f"{derived} isn't what {source} gives: run scripts/contract/exact.py and commit it")


main(sys.argv[1:])
