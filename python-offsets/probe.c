/* Compiled against the internal headers of a Python that is shipped without debug information, this gives
 * gilspy-offsets its layout; README.md has the command. */
#define Py_BUILD_CORE 1
#include <Python.h>

#include <internal/pycore_code.h>
#include <internal/pycore_dict.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_moduleobject.h>
#include <internal/pycore_runtime.h>

/* Tells gilspy-offsets the version, as in the interpreter itself. */
const unsigned long Py_Version = PY_VERSION_HEX;
