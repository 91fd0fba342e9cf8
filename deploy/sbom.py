#!/usr/bin/env python3
"""The bill of materials of the shipped program, as CycloneDX 1.6 JSON on standard output: `just sbom`.

What is linked into the program or runs while it is compiled, on all platforms it is built for: name, version, package
URL, licence, checksum. From `cargo metadata` and Cargo.lock; the same sources give the same bytes.
"""

import hashlib
import json
import pathlib
import subprocess
import tomllib
import uuid

PROGRAM = "driftline"
PLATFORMS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin"]  # as in deny.toml
ROOT = pathlib.Path(__file__).resolve().parent.parent


def metadata():
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    for platform in PLATFORMS:
        command += ["--filter-platform", platform]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


def reached(nodes, root):
    """Packages that are reached from `root` by dependencies of the program and of build scripts, not of tests."""
    found, waiting = {}, [root]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        needs = {
            need["pkg"]
            for need in nodes[package]["deps"]
            if any(kind["kind"] in (None, "build") for kind in need["dep_kinds"])
        }
        found[package] = needs
        waiting += needs
    return found


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums, kind="library"):
    made = {
        "type": kind,
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["license"]:
        # Slashes are an old way to say OR.
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return made


def main():
    told = metadata()
    packages = {package["id"]: package for package in told["packages"]}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    lock = (ROOT / "Cargo.lock").read_bytes()
    checksums = {
        (package["name"], package["version"]): package.get("checksum")
        for package in tomllib.loads(lock.decode())["package"]
    }
    root = next(id for id in told["workspace_members"] if packages[id]["name"] == PROGRAM)
    found = reached(nodes, root)
    others = sorted((packages[id] for id in found if id != root), key=purl)
    sbom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(lock).digest()[:16], version=4)}",
        "version": 1,
        "metadata": {"component": component(packages[root], checksums, "application")},
        "components": [component(package, checksums) for package in others],
        "dependencies": [
            {"ref": purl(packages[id]), "dependsOn": sorted(purl(packages[need]) for need in needs)}
            for id, needs in sorted(found.items(), key=lambda entry: purl(packages[entry[0]]))
        ],
    }
    print(json.dumps(sbom, indent=1))


if __name__ == "__main__":
    main()
