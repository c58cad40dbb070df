/* Finding the interpreter in a target, for the sources of this folder. */
#ifndef GS_PYTHON_LOCATE_H
#define GS_PYTHON_LOCATE_H

#include "elf/image.h"
#include "gilspy/python.h"

/* Finds the image that holds the runtime: python->library and the anchors that every version has are set, *image is
 * open. Where that took a look at its data, the layout and all anchors that can be told are set too. GS_NOT_PYTHON when
 * there is none. */
enum gs_status gs_locate(struct gs_python *python, struct gs_image *image, uint32_t assume,
                         struct gs_err *err) GS_MUST_CHECK;

/* The variables of 2.7 and 3.6, which have no _PyRuntime: from .symtab of the image's file, else out of the code of
 * tiny exported functions. */
void gs_locate_statics(struct gs_python *python, const struct gs_image *image);

/* PY_VERSION_HEX of a Python older than 3.13; python->version is set. Micro 0xff when only X.Y can be told. */
enum gs_status gs_version_find(struct gs_python *python, const struct gs_image *image, uint32_t *version,
                               struct gs_err *err) GS_MUST_CHECK;
/* The version that Py_GetVersion's text in these bytes tells; 0: there is none. first: nothing stands before them. */
uint32_t gs_version_in(const char *bytes, size_t len, bool first);
/* X.Y as the name of the file tells it, micro 0xff; 0: does not. */
uint32_t gs_version_of_file(const char *path);
/* "3.11.7", "3.14.0rc1" */
void gs_version_print(uint32_t version, char *dst, size_t size);

#endif
