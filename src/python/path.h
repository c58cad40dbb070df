/* Values by path, as Python writes it: request.environ['PATH_INFO'], orders[3].id. */
#ifndef GILSPY_PYTHON_PATH_H
#define GILSPY_PYTHON_PATH_H

#include "python/values.h"

enum { GS_PATH_STEPS = 16, GS_PATH_TEXT = 128 /* bytes, the terminating NUL included */ };

struct gs_path_step {
    enum gs_path_kind { GS_PATH_NAME, GS_PATH_KEY, GS_PATH_INDEX } kind;
    char text[GS_PATH_TEXT]; /* of a name, and of a key, which is a str */
    int64_t index;           /* of a list or tuple, from its end where it is negative; or a key, which is an int */
};

/* The first step is a variable. */
struct gs_path {
    struct gs_path_step steps[GS_PATH_STEPS];
    size_t count;
};

/* False: that is no path, or a longer one. */
bool gs_path_read(const char *text, struct gs_path *path);
/* The object that the steps behind the first lead to from `object`; 0: there is none. Attributes are those of the
 * object itself, or of a module: nothing in the target is called. *secret: a name or key on the way is that of a
 * secret, and secrets are not shown. */
gs_addr gs_path_follow(const struct gs_path *path, struct gs_repr *repr, gs_addr object, bool *secret);

#endif
