/* Copying a template, with what the tables say in the place of its slots. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "man/template.h"

/* The slot that a line stands for: "@NAME@" and nothing else; NULL: it is text. */
static const char *slot_of(char *line)
{
    size_t len = strcspn(line, "\n");
    if (len < 3 || line[0] != '@' || line[len - 1] != '@')
        return NULL;
    line[len - 1] = '\0';
    return line + 1;
}

static bool fill(const char *name, FILE *out, const struct gs_slot *slots, const void *context)
{
    for (; slots->name; slots++) {
        if (strcmp(slots->name, name) == 0) {
            slots->write(out, context);
            return true;
        }
    }
    fprintf(stderr, "there is nothing to fill in for @%s@\n", name);
    return false;
}

static bool copy(FILE *in, FILE *out, const struct gs_slot *slots, const void *context)
{
    char *line = NULL;
    size_t size = 0;
    bool good = true;
    while (good && getline(&line, &size, in) > 0) {
        const char *name = slot_of(line);
        if (name)
            good = fill(name, out, slots, context);
        else
            fputs(line, out);
    }
    free(line);
    return good && !ferror(in) && !ferror(out);
}

bool gs_template_fill(const char *template, const char *directory, const char *name, const struct gs_slot *slots,
                      const void *context)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *in = fopen(template, "re"), *out = in ? fopen(path, "we") : NULL;
    bool good = out && copy(in, out, slots, context);
    if (out && fclose(out) != 0)
        good = false;
    if (!good)
        fprintf(stderr, "cannot make %s of %s: %s\n", path, template, strerror(errno));
    if (in)
        fclose(in);
    return good;
}
