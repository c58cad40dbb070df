/* ncurses, and what must happen to the terminal when we crash. */
#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "view/screen.h"

#include <term.h> /* last: its macros are called lines, columns and so on */
#undef lines
#undef columns

enum { LEAVE_BYTES = 128 };

/* A handler of a crash has no other way to know how to restore the terminal. */
static struct {
    struct termios before;
    char leave[LEAVE_BYTES]; /* what makes it show the screen that was there before */
    SCREEN *screen;
    bool colors; /* to be used */
} terminal;

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

static void leave(void)
{
    if (write(STDOUT_FILENO, terminal.leave, strlen(terminal.leave)) < 0)
        terminal.leave[0] = '\0'; /* nothing else can be tried */
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal.before);
}

static void on_crash(int number)
{
    leave();
    raise(number); /* the handler was set for one time: now it ends us as it would have */
}

/* What makes the terminal do something, NULL where it cannot. */
static const char *capability(const char *name)
{
    const char *string = tigetstr(name);
    return string == (const char *)-1 ? NULL : string;
}

static void add_capability(const char *name)
{
    const char *string = capability(name);
    size_t used = strlen(terminal.leave);
    if (string && strlen(string) < sizeof terminal.leave - used)
        strcpy(terminal.leave + used, string);
}

static void prepare_for_crashes(void)
{
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER};
    terminal.leave[0] = '\0';
    add_capability("sgr0");
    add_capability("cnorm");
    add_capability("rmcup");
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        sigaction(crashes[i], &action, NULL);
}

static void prepare_colors(enum gs_color_depth depth)
{
    terminal.colors = depth != GS_COLORS_NONE && has_colors();
    if (!terminal.colors)
        return;
    start_color();
    use_default_colors();
    for (int style = GS_STYLE_PLAIN; style < GS_STYLE_COUNT; style++)
        init_pair((short)style, (short)gs_style_color(style, COLORS >= 256), -1);
}

/* Whether the terminal can show a screen; err tells what it lacks. */
static bool is_able(struct gs_err *err)
{
    static const char *const what = "cannot show a live screen:", *const instead = "gilspy top --once shows it as text";
    const char *term = getenv("TERM");
    int found;
    bool input = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &terminal.before) == 0;
    if (!input || !isatty(STDOUT_FILENO)) {
        gs_fail(err, GS_FAILED, "%s standard %s is no terminal", what, input ? "output" : "input");
        gs_err_todo(err, "%s", instead);
        return false;
    }
    if (!term || !*term) {
        gs_fail(err, GS_FAILED, "%s TERM does not tell the kind of the terminal", what);
    } else if (setupterm(term, STDOUT_FILENO, &found) == OK) {
        if (capability("cup"))
            return true;
        gs_fail(err, GS_FAILED, "%s a terminal of the kind %.40s (TERM) cannot move its cursor", what, term);
    } else if (found < 0) {
        gs_fail(err, GS_FAILED, "%s the descriptions of terminals (terminfo) are not installed here", what);
        gs_err_todo(err, "They are in the package ncurses-base; %s", instead);
        return false;
    } else {
        gs_fail(err, GS_FAILED, "%s terminfo knows no screen of the kind %.40s (TERM)", what, term);
    }
    gs_err_todo(err, "Set TERM to the right kind, for example xterm-256color; %s", instead);
    return false;
}

enum gs_status gs_screen_open(enum gs_color_depth depth, struct gs_err *err)
{
    bool able = is_able(err);
    if (cur_term) /* newterm looks for itself */
        del_curterm(cur_term);
    if (!able)
        return GS_FAILED;
    terminal.screen = newterm(NULL, stdout, stdin);
    if (!terminal.screen)
        return gs_fail(err, GS_FAILED, "cannot show a live screen: the terminal cannot be set up");
    prepare_for_crashes();
    prepare_colors(depth);
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    return GS_OK;
}

void gs_screen_close(void)
{
    if (!terminal.screen)
        return;
    endwin();
    delscreen(terminal.screen);
    terminal.screen = NULL;
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], SIG_DFL);
}

void gs_screen_abandon(void)
{
    if (terminal.screen)
        leave();
}

void gs_screen_size(int *rows, int *columns)
{
    getmaxyx(stdscr, *rows, *columns);
}

/* Without colours a style is told by weight. */
static attr_t attributes_of(enum gs_style style)
{
    switch (style) {
    case GS_STYLE_HOLDS:
    case GS_STYLE_BOLD:
        return A_BOLD;
    case GS_STYLE_WAITS:
        return terminal.colors ? A_NORMAL : A_UNDERLINE;
    case GS_STYLE_IDLE:
        return terminal.colors && COLORS >= 256 ? A_NORMAL : A_DIM;
    case GS_STYLE_DIM:
        return A_DIM;
    case GS_STYLE_REVERSE:
        return A_REVERSE;
    default:
        return A_NORMAL;
    }
}

void gs_screen_line(int row, const struct gs_text *text)
{
    size_t begin = 0;
    attr_set(A_NORMAL, 0, NULL);
    move(row, 0);
    for (size_t i = 0; i < text->len; i++) {
        unsigned char mark = (unsigned char)text->bytes[i];
        if (mark >= GS_STYLE_COUNT)
            continue;
        addnstr(text->bytes + begin, (int)(i - begin));
        attr_set(attributes_of(mark), (short)mark, NULL);
        begin = i + 1;
    }
    if (text->len > begin)
        addnstr(text->bytes + begin, (int)(text->len - begin));
    attr_set(A_NORMAL, 0, NULL);
    if (getcury(stdscr) == row)
        clrtoeol();
}

void gs_screen_show(int used)
{
    int rows, columns;
    gs_screen_size(&rows, &columns);
    if (used < rows) {
        move(used, 0);
        clrtobot();
    }
    refresh();
}

enum gs_key gs_screen_key(bool ready)
{
    int key = getch();
    switch (key) {
    case ERR:
        return ready ? GS_KEY_CLOSED : GS_KEY_NONE;
    case 'q':
    case 'Q':
        return GS_KEY_QUIT;
    case 'r':
        return GS_KEY_RESET;
    case KEY_RESIZE:
        return GS_KEY_RESIZED;
    default:
        return GS_KEY_OTHER;
    }
}
