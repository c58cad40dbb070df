/* A process made by hand: what a snapshot of it would hold, for the tests of everything that shows one. */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include "export/dump.h"

enum { SCENE_THREADS = 64, SCENE_FRAMES = 1024, SCENE_CODES = 32 };

struct scene {
    struct gs_target target;
    struct gs_python python;
    struct gs_interpreter interpreters[4];
    struct gs_gil gils[4];
    struct gs_thread threads[SCENE_THREADS];
    const char *names[SCENE_THREADS];
    struct gs_frame frames[SCENE_FRAMES];
    size_t frame_count;
    struct gs_frame_info codes[SCENE_CODES]; /* the line is that of instruction 0; instruction n is n lines on */
    size_t code_count;
    struct gs_snapshot snapshot;
    struct gs_quality quality;
    struct gs_dump dump;
};

/* A release 3.11.7 with one interpreter, whose GIL is free, and no thread. */
void scene_init(struct scene *scene);
/* Adds a thread in interpreter 0; frames are added to the one that was added last, innermost first. */
struct gs_thread *scene_thread(struct scene *scene, int tid, const char *name, enum gs_gil_word gil, enum gs_run run,
                               int call);
/* Returns the number of the code object. */
uint64_t scene_code(struct scene *scene, const char *function, const char *qualname, const char *file, int line);
void scene_frame(struct scene *scene, uint64_t code, int instr);
void scene_gap(struct scene *scene, enum gs_gap gap);
/* Every Python frame has an argument self and a variable x. */
void scene_locals(struct scene *scene);

#endif
