/* Profiles and their labels. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "push/profile.h"

struct gs_push_label *gs_push_labels_copy(const struct gs_push_label *labels, size_t count)
{
    struct gs_push_label *copies = calloc(count + 1, sizeof *copies);
    for (size_t i = 0; i < count && copies; i++) {
        copies[i] = (struct gs_push_label){strdup(labels[i].name), strdup(labels[i].value)};
        if (!copies[i].name || !copies[i].value) {
            gs_push_labels_free(copies, i + 1);
            return NULL;
        }
    }
    return copies;
}

void gs_push_labels_free(struct gs_push_label *labels, size_t count)
{
    for (size_t i = 0; i < count && labels; i++) {
        free(labels[i].name);
        free(labels[i].value);
    }
    free(labels);
}

struct gs_push_profile *gs_push_profile_new(const char *service, const struct gs_push_label *labels, size_t count)
{
    struct gs_push_profile *profile = calloc(1, sizeof *profile);
    if (!profile)
        return NULL;
    profile->service = strdup(service);
    profile->labels = gs_push_labels_copy(labels, count);
    profile->label_count = count;
    if (profile->service && profile->labels && getrandom(profile->id, sizeof profile->id, 0) == sizeof profile->id)
        return profile;
    gs_push_profile_free(profile);
    return NULL;
}

void gs_push_profile_free(struct gs_push_profile *profile)
{
    if (!profile)
        return;
    gs_push_labels_free(profile->labels, profile->label_count);
    free(profile->service);
    free(profile->pprof);
    free(profile);
}

size_t gs_push_profile_size(const struct gs_push_profile *profile)
{
    return sizeof *profile + profile->len;
}
