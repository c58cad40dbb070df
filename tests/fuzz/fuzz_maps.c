/* The texts of /proc. The first byte says which file the rest is. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/target.h"
#include "gilspy/target.h"
#include "target/procfs.h"
#include "target/task.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void parse_maps(char *text)
{
    struct gs_map *maps;
    size_t count;
    if (!gs_maps_parse(text, &maps, &count))
        abort();
    for (size_t i = 0; i < count; i++) {
        if (strlen(maps[i].path) > 1 << 20)
            abort();
    }
    gs_maps_free(maps, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gs_proc_stat stat;
    struct gs_activity activity;
    char *text = size > 0 && size < 1 << 20 ? malloc(size) : NULL;
    if (!text)
        return -1;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 4) {
    case 0:
        parse_maps(text);
        break;
    case 1:
        gs_proc_stat_parse(text, &stat);
        break;
    case 2:
        gs_activity_parse(text, &activity);
        if ((unsigned)activity.run > GS_RUN_GONE)
            abort();
        break;
    default:
        gs_status_field(text, "Tgid:");
        gs_status_innermost_pid(text, 1);
        gs_status_nested(text);
    }
    free(text);
    return 0;
}
