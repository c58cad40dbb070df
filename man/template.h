/* Templates: text whose lines @NAME@ are made from the program's tables. */
#ifndef MAN_TEMPLATE_H
#define MAN_TEMPLATE_H

#include <stdbool.h>
#include <stdio.h>

struct gs_slot {
    const char *name; /* without the @; NULL ends a list of slots */
    void (*write)(FILE *out, const void *context);
};

/* Writes a template to the file DIRECTORY/NAME, or says on stderr why that failed. */
bool gs_template_fill(const char *template, const char *directory, const char *name, const struct gs_slot *slots,
                      const void *context);

#endif
