/* What the parts of a picture in the making share. */
#ifndef GS_PROFILE_LIVE_DRAWING_H
#define GS_PROFILE_LIVE_DRAWING_H

#include "profile/arena.h"
#include "profile/live_model.h"

struct gs_live_drawing {
    struct gs_live *live;
    struct gs_arena *arena;
    uint64_t now_ns;
};

uint64_t gs_live_ago_us(const struct gs_live_drawing *drawing, uint64_t time_ns);
uint32_t gs_live_index_of_process(const struct gs_live *live, uint32_t number);
struct gs_picture_place gs_live_copy_place(struct gs_arena *arena, const struct gs_live_place *place);

void gs_live_draw_functions(const struct gs_live_drawing *drawing, struct gs_picture *picture);
void gs_live_draw_holds(const struct gs_live_drawing *drawing, struct gs_picture *picture);
void gs_live_draw_blames(const struct gs_live_drawing *drawing, struct gs_picture *picture);
void gs_live_draw_tasks(const struct gs_live_drawing *drawing, struct gs_picture *picture);
void gs_live_draw_locks(const struct gs_live_drawing *drawing, struct gs_picture *picture);

#endif
