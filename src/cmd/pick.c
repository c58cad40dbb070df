/* The list is renewed every few seconds: processes come and go while somebody looks. */
#include <unistd.h>

#include "base/clock.h"
#include "cmd/message.h"
#include "cmd/pick.h"
#include "session/signals.h"
#include "cmd/wire.h"
#include "export/ps.h"
#include "session/loop.h"
#include "view/choice.h"
#include "view/screen.h"

enum { RENEW_NS = 3000000000 };

static enum gs_status survey(struct gs_ps *ps, const struct gs_args *args, struct gs_err *err)
{
    const struct gs_attach_options options = gs_wire_attach(args, NULL);
    int exit = 0;
    return gs_survey(ps, args->pids, args->pid_count, &options, &exit, err);
}

/* To those who have no terminal. */
static int list(const struct gs_args *args)
{
    struct gs_err err;
    struct gs_ps ps;
    struct gs_console console;
    gs_fail(&err, GS_USAGE, "cannot watch: no process is named");
    gs_err_todo(&err, "Name one with -p PID, as gilspy ps lists them:");
    int usage = gs_message(GS_USAGE, &err);
    gs_console_init(&console, stderr, args->color);
    enum gs_status status = survey(&ps, args, &err);
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
    enum gs_choice_made made;
    uint64_t renew_ns; /* the list */
    struct gs_err err;
};

static enum gs_status renew(struct picking *picking)
{
    gs_ps_fini(&picking->ps);
    picking->ps = (struct gs_ps){0};
    enum gs_status status = survey(&picking->ps, picking->args, &picking->err);
    picking->renew_ns = gs_clock_ns() + RENEW_NS;
    return status;
}

static enum gs_status draw(struct picking *picking)
{
    int rows, columns;
    gs_screen_size(&rows, &columns);
    if (!gs_grid_begin(&picking->grid, rows, columns))
        return gs_fail(&picking->err, GS_NO_MEMORY, "cannot show the processes: out of memory");
    gs_choice_draw(&picking->choice, &picking->ps, &picking->grid);
    gs_screen_show(&picking->grid);
    return GS_OK;
}

static enum gs_choice_made read_keys(struct picking *picking)
{
    enum gs_choice_made made = GS_CHOICE_NONE;
    for (uint32_t key; made == GS_CHOICE_NONE && (key = gs_screen_key()) != GS_KEY_NONE;)
        made = gs_choice_key(&picking->choice, &picking->ps, key);
    return made;
}

static uint64_t renew_due(void *context, uint64_t now_ns)
{
    (void)now_ns;
    return ((const struct picking *)context)->renew_ns;
}

/* A key, another size of the terminal, or it is time for another list. */
static enum gs_status go_on(void *context, uint64_t now_ns, bool woken)
{
    struct picking *picking = context;
    enum gs_status status = GS_OK;
    (void)now_ns;
    picking->made = woken ? read_keys(picking) : GS_CHOICE_RENEW;
    if (picking->made == GS_CHOICE_RENEW) {
        picking->made = GS_CHOICE_NONE;
        status = renew(picking);
    }
    return status || picking->made != GS_CHOICE_NONE ? status : draw(picking);
}

static bool is_made(void *context, uint64_t now_ns)
{
    (void)now_ns;
    return ((const struct picking *)context)->made != GS_CHOICE_NONE;
}

static enum gs_status choose(struct picking *picking)
{
    struct gs_loop loop = {.events = {{.context = picking, .due = renew_due, .run = go_on, .wakes = true}},
                           .count = 1,
                           .fd = STDIN_FILENO,
                           .context = picking,
                           .over = is_made};
    enum gs_status status = draw(picking);
    return status ? status : gs_loop_run(&loop);
}

int gs_pick(const struct gs_args *args, pid_t *pid)
{
    struct gs_args quiet = *args;
    struct gs_console console;
    struct picking picking = {.args = &quiet};
    if (args->once || args->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return list(args);
    quiet.quiet = true;
    gs_console_init(&console, stdout, args->color);
    picking.choice.utf8 = console.utf8;
    gs_signals_catch();
    enum gs_status status = renew(&picking);
    if (!status)
        status = gs_screen_open(console.depth, &picking.err);
    if (!status)
        status = choose(&picking);
    gs_screen_close();
    if (!status && picking.made == GS_CHOICE_TAKEN)
        *pid = picking.choice.pid;
    gs_ps_fini(&picking.ps);
    gs_grid_fini(&picking.grid);
    gs_choice_fini(&picking.choice);
    return status ? gs_message(status, &picking.err) : 0;
}
