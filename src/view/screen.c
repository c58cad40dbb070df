/* ncurses, and what must happen to the terminal when we crash. */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
    bool colors;        /* to be used */
    int said, messages; /* standard error as it was, and the file that keeps what is said meanwhile; 0: not so */
} terminal;

enum { SAID_MOST = 1 << 16 };

static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

/* A message in the middle of the screen would tear it: while that is there, messages go to a file without a name. */
static void keep_messages(void)
{
    if (!isatty(STDERR_FILENO))
        return;
    const char *folder = getenv("TMPDIR");
    int fd = open(folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    int said = fd >= 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    if (said >= 0 && dup2(fd, STDERR_FILENO) >= 0) {
        terminal.said = said;
        terminal.messages = fd;
    } else {
        close(said);
        close(fd);
    }
}

/* They appear when the screen is gone. */
static void tell_messages(void)
{
    char bytes[4096];
    off_t at = 0;
    if (terminal.said <= 0)
        return;
    dup2(terminal.said, STDERR_FILENO);
    close(terminal.said);
    for (ssize_t got; at < SAID_MOST && (got = pread(terminal.messages, bytes, sizeof bytes, at)) > 0; at += got) {
        if (write(STDERR_FILENO, bytes, (size_t)got) != got)
            break;
    }
    close(terminal.messages);
    terminal.said = terminal.messages = 0;
}

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

enum gs_status gs_screen_able(struct gs_err *err)
{
    bool able = is_able(err);
    if (cur_term) /* newterm looks for itself */
        del_curterm(cur_term);
    return able ? GS_OK : GS_FAILED;
}

enum gs_status gs_screen_open(enum gs_color_depth depth, struct gs_err *err)
{
    enum gs_status status = gs_screen_able(err);
    if (status)
        return status;
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
    keep_messages();
    return GS_OK;
}

void gs_screen_close(void)
{
    if (!terminal.screen)
        return;
    endwin();
    delscreen(terminal.screen);
    terminal.screen = NULL;
    tell_messages();
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], SIG_DFL);
}

void gs_screen_abandon(void)
{
    if (!terminal.screen)
        return;
    leave();
    tell_messages();
}

/* Without colours a style is told by weight. */
static attr_t attributes_of(const struct gs_cell *cell)
{
    attr_t reverse = cell->selected ? A_REVERSE : A_NORMAL;
    switch (cell->style) {
    case GS_STYLE_HOLDS:
    case GS_STYLE_BOLD:
        return A_BOLD | reverse;
    case GS_STYLE_WAITS:
        return (terminal.colors ? A_NORMAL : A_UNDERLINE) | reverse;
    case GS_STYLE_IDLE:
        return (terminal.colors && COLORS >= 256 ? A_NORMAL : A_DIM) | reverse;
    case GS_STYLE_DIM:
        return A_DIM | reverse;
    case GS_STYLE_REVERSE:
        return A_REVERSE;
    default:
        return reverse;
    }
}

void gs_screen_size(int *rows, int *columns)
{
    getmaxyx(stdscr, *rows, *columns);
}

static void show_row(const struct gs_grid *grid, int row, int columns)
{
    const struct gs_cell *line = &grid->cells[(size_t)row * (size_t)grid->columns];
    for (int i = 0; i < columns; i++) {
        cchar_t shown;
        wchar_t characters[2 + GS_CELL_MARKS] = {(wchar_t)line[i].character};
        if (line[i].character == 0)
            continue;
        for (int k = 0; k < GS_CELL_MARKS; k++)
            characters[1 + k] = (wchar_t)line[i].marks[k];
        setcchar(&shown, characters, attributes_of(&line[i]), terminal.colors ? (short)line[i].style : 0, NULL);
        mvadd_wch(row, i, &shown);
    }
}

void gs_screen_show(const struct gs_grid *grid)
{
    int rows, columns;
    gs_screen_size(&rows, &columns); /* may be another by now */
    erase();
    for (int row = 0; row < grid->rows && row < rows; row++)
        show_row(grid, row, grid->columns < columns ? grid->columns : columns);
    refresh();
}

static uint32_t key_of(int code)
{
    static const struct {
        int code;
        enum gs_key key;
    } keys[] = {
        {KEY_RESIZE, GS_KEY_RESIZED},
        {KEY_UP, GS_KEY_UP},
        {KEY_DOWN, GS_KEY_DOWN},
        {KEY_LEFT, GS_KEY_LEFT},
        {KEY_RIGHT, GS_KEY_RIGHT},
        {KEY_PPAGE, GS_KEY_PAGE_UP},
        {KEY_NPAGE, GS_KEY_PAGE_DOWN},
        {KEY_HOME, GS_KEY_HOME},
        {KEY_END, GS_KEY_END},
        {KEY_BTAB, GS_KEY_BACK_TAB},
        {KEY_BACKSPACE, GS_KEY_BACKSPACE},
        {KEY_F(1), GS_KEY_F1},
        {KEY_F(3), GS_KEY_F3},
        {KEY_F(10), GS_KEY_F10},
        {KEY_ENTER, GS_KEY_ENTER},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].code == code)
            return keys[i].key;
    }
    return GS_KEY_OTHER;
}

/* There is something to read, and yet there is no key: the terminal is gone. */
static bool is_closed(void)
{
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&keys, 1, 0) > 0;
}

uint32_t gs_screen_key(void)
{
    wint_t key;
    int kind = get_wch(&key);
    if (kind == ERR && is_closed()) {
        kind = get_wch(&key); /* unless it came this moment */
        if (kind == ERR)
            return GS_KEY_CLOSED;
    }
    if (kind == ERR)
        return GS_KEY_NONE;
    return kind == KEY_CODE_YES ? key_of((int)key) : (uint32_t)key;
}
