/* The list is renewed every few seconds: processes come and go while somebody looks. */
#include <unistd.h>

#include "base/clock.h"
#include "cmd/message.h"
#include "cmd/pick.h"
#include "session/signals.h"
#include "cmd/survey.h"
#include "view/choice.h"
#include "view/screen.h"

enum { RENEW_NS = 3000000000 };

/* To those who have no terminal. */
static int list(const struct gs_args *args)
{
    struct gs_err err;
    struct gs_ps ps;
    struct gs_console console;
    int exit = 0;
    gs_fail(&err, GS_USAGE, "cannot watch: no process is named");
    gs_err_todo(&err, "Name one with -p PID, as gilspy ps lists them:");
    int usage = gs_message(GS_USAGE, &err);
    gs_console_init(&console, stderr, args->color);
    enum gs_status status = gs_survey(&ps, args, &exit, &err);
    if (status == GS_OK)
        status = gs_ps_text(&ps, &console, args->verbose);
    gs_ps_fini(&ps);
    return status == GS_OK ? usage : gs_message(status, &err);
}

struct picking {
    const struct gs_args *args;
    struct gs_ps ps;
    struct gs_choice choice;
    struct gs_grid grid;
};

static enum gs_status renew(struct picking *picking, struct gs_err *err)
{
    int exit = 0;
    gs_ps_fini(&picking->ps);
    picking->ps = (struct gs_ps){0};
    return gs_survey(&picking->ps, picking->args, &exit, err);
}

static enum gs_choice_made read_keys(struct picking *picking)
{
    enum gs_choice_made made = GS_CHOICE_NONE;
    for (uint32_t key; made == GS_CHOICE_NONE && (key = gs_screen_key()) != GS_KEY_NONE;)
        made = gs_choice_key(&picking->choice, &picking->ps, key);
    return made;
}

static enum gs_status choose(struct picking *picking, enum gs_choice_made *made, struct gs_err *err)
{
    enum gs_status status = GS_OK;
    uint64_t renew_ns = gs_clock_ns() + RENEW_NS;
    *made = GS_CHOICE_NONE;
    while (!status && *made == GS_CHOICE_NONE && !gs_signals_ended()) {
        int rows, columns;
        gs_screen_size(&rows, &columns);
        if (!gs_grid_begin(&picking->grid, rows, columns))
            return gs_fail(err, GS_NO_MEMORY, "cannot show the processes: out of memory");
        gs_choice_draw(&picking->choice, &picking->ps, &picking->grid);
        gs_screen_show(&picking->grid);
        bool woken = gs_signals_wait(renew_ns, STDIN_FILENO);
        *made = woken ? read_keys(picking) : GS_CHOICE_RENEW;
        if (*made != GS_CHOICE_RENEW)
            continue;
        *made = GS_CHOICE_NONE;
        status = renew(picking, err);
        renew_ns = gs_clock_ns() + RENEW_NS;
    }
    return status;
}

int gs_pick(const struct gs_args *args, pid_t *pid)
{
    struct gs_args quiet = *args;
    struct gs_err err = {0};
    struct gs_console console;
    struct picking picking = {.args = &quiet};
    enum gs_choice_made made = GS_CHOICE_NONE;
    if (args->once || args->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return list(args);
    quiet.quiet = true;
    gs_console_init(&console, stdout, args->color);
    picking.choice.utf8 = console.utf8;
    gs_signals_catch();
    enum gs_status status = renew(&picking, &err);
    if (!status)
        status = gs_screen_open(console.depth, &err);
    if (!status)
        status = choose(&picking, &made, &err);
    gs_screen_close();
    if (!status && made == GS_CHOICE_TAKEN)
        *pid = picking.choice.pid;
    gs_ps_fini(&picking.ps);
    gs_grid_fini(&picking.grid);
    gs_choice_fini(&picking.choice);
    return status ? gs_message(status, &err) : 0;
}
