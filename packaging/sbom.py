"""An SPDX 2.3 document of the static program, out of lines "package TAB version" on standard input.

    sbom.py VERSION COMMIT EPOCH PROGRAM
"""
import datetime
import hashlib
import json
import re
import sys

NONE = "NOASSERTION"


def package(name, version, **more):
    return {"SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name), "name": name, "versionInfo": version,
            "downloadLocation": NONE, "filesAnalyzed": False, "licenseConcluded": NONE, "licenseDeclared": NONE,
            "copyrightText": NONE, **more}


def main(version, commit, epoch, program):
    with open(program, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    parts = [package(*line.rstrip("\n").split("\t")) for line in sys.stdin]
    ours = package("gilspy", version, licenseDeclared="MIT", licenseConcluded="MIT",
                   checksums=[{"algorithm": "SHA256", "checksumValue": digest}])
    made = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc)
    links = [{"spdxElementId": ours["SPDXID"], "relationshipType": "STATIC_LINK", "relatedSpdxElement": part["SPDXID"]}
             for part in parts]
    json.dump({"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "gilspy-" + version,
               "documentNamespace": "urn:gilspy:%s:%s" % (version, commit),
               "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: gilspy script/release"]},
               "packages": [ours, *parts],
               "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                                  "relatedSpdxElement": ours["SPDXID"]}, *links]}, sys.stdout, indent=1)
    print()


main(*sys.argv[1:])
