/* The program that top was told to start: it has no terminal, since the screen has that, and what it writes is kept. */
#ifndef GS_CMD_TOP_PROGRAM_H
#define GS_CMD_TOP_PROGRAM_H

#include "cmd/args.h"
#include "session/sampling.h"

struct gs_top_program {
    const char *name; /* NULL: there is none, or it has the terminal */
    char *path;       /* of the file that has what it wrote */
    int output;       /* that file; 0: none */
    bool asked, told; /* whether it is to be ended; that it has ended */
};

/* Makes the file for what args->program will write. Finish it in any case. */
enum gs_status gs_top_program_open(struct gs_top_program *program, const struct gs_args *args,
                                   struct gs_err *err) GS_MUST_CHECK;
/* Where its output goes, for the last line. */
void gs_top_program_introduce(const struct gs_top_program *program, char *note, size_t size);
/* The user wants to leave: false when it still runs and nobody was asked yet, which note does. */
bool gs_top_program_leaves(struct gs_top_program *program, struct gs_sampling *session, char *note, size_t size);
/* Another key: that was no answer. */
void gs_top_program_stays(struct gs_top_program *program);
/* Nobody is watched: tells in note when it has ended. */
void gs_top_program_look(struct gs_top_program *program, struct gs_sampling *session, char *note, size_t size);
/* When the terminal is free again: ends the program if that is what the user wants, waits for its end and tells where
 * its output is. Its exit status; -1: none was started. session may be NULL. */
int gs_top_program_finish(struct gs_top_program *program, struct gs_sampling *session, bool end, bool quiet);

#endif
