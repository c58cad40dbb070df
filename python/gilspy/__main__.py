"""python -m gilspy: the program, with the same arguments."""
import os
import sys

from gilspy import Error, program


def main() -> None:
    try:
        path = program()
        os.execv(path, ["gilspy", *sys.argv[1:]])
    except Error as why:
        sys.exit("gilspy: %s" % why)
    except OSError as why:
        sys.exit("gilspy: the program %s cannot be run: %s" % (path, why.strerror))


if __name__ == "__main__":
    main()
