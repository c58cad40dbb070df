/* Small things that several panes show in the same way. */
#include <stdio.h>
#include <string.h>

#include "view/parts.h"

enum gs_face gs_doing_face(uint8_t doing)
{
    static const enum gs_face faces[GS_DOING_COUNT] = {
        [GS_HOLDS] = GS_FACE_HOLDS, [GS_WAITS] = GS_FACE_WAITS,     [GS_WITHOUT] = GS_FACE_WITHOUT,
        [GS_NONE] = GS_FACE_NONE,   [GS_UNKNOWN] = GS_FACE_UNKNOWN, [GS_DOING_IDLE] = GS_FACE_IDLE};
    return doing < GS_DOING_COUNT ? faces[doing] : GS_FACE_UNKNOWN;
}

void gs_share_put(struct gs_text *text, double share)
{
    if (share < 0)
        gs_text_put(text, "-");
    else
        gs_text_put(text, share >= 99.995 ? "%.0f" : "%.1f", share * 100);
}

void gs_time_put(struct gs_text *text, uint64_t us, bool at_least)
{
    unsigned long s = (unsigned long)(us / 1000000), min = s / 60, h = min / 60, d = h / 24;
    if (at_least)
        gs_text_put(text, ">");
    if (min < 1)
        gs_words_time(text, us);
    else if (h < 1)
        gs_text_put(text, "%lum%02lus", min, s % 60);
    else if (d < 1)
        gs_text_put(text, "%luh%02lum", h, min % 60);
    else
        gs_text_put(text, "%lud%02luh", d, h % 24);
}

bool gs_shows_several(const struct gs_drawing *drawing)
{
    return drawing->several;
}

bool gs_words_in(const char *text, const char *words)
{
    return text && strcasestr(text, words) != NULL;
}

int gs_compare_double(double a, double b)
{
    int x = (int)(a * 100), y = (int)(b * 100);
    return (x < y) - (x > y);
}

int gs_compare_u64(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

const struct gs_picture_thread *gs_thread_with(const struct gs_picture *picture, uint32_t process, pid_t tid)
{
    for (size_t i = 0; i < picture->thread_count; i++) {
        if (picture->threads[i].tid == tid && picture->threads[i].process == process)
            return &picture->threads[i];
    }
    return NULL;
}

const char *gs_command_short(const char *command)
{
    size_t len = strcspn(command, " "), name = len;
    while (name > 0 && command[name - 1] != '/')
        name--;
    bool interpreter = strncmp(command + name, "python", 6) == 0 && command[len] == ' ';
    const char *rest = interpreter ? command + len + 1 : command;
    if (interpreter && *rest == '-')
        return command + name; /* python -m and such */
    size_t end = strcspn(rest, " "), begin = end;
    while (begin > 0 && rest[begin - 1] != '/')
        begin--;
    return rest + begin;
}
