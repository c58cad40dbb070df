"""A thread at each of the places; says of each what its stack is."""
import sys

import common
import places

if sys.version_info[0] > 2:
    import places3

threads = dict((name, common.start(name, body)) for name, body in sorted(places.PLACES.items()))


def truth(name):
    return common.stack(threads[name].ident)


common.serve(truth=truth)
