"""Adds up the JUnit files of a folder, and prints as its last line: N passed, N failed, N skipped."""
import glob
import sys
import xml.etree.ElementTree


def main(folder):
    total = failed = skipped = 0
    for path in glob.glob(folder + "/*.xml"):
        for suite in xml.etree.ElementTree.parse(path).getroot().iter("testsuite"):
            total += int(suite.get("tests"))
            failed += int(suite.get("failures")) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
    print("%d passed, %d failed, %d skipped" % (total - failed - skipped, failed, skipped))
    return 1 if failed or not total else 0


sys.exit(main(sys.argv[1]))
