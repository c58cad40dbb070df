/* Finding out what a terminal can show, and the colours: Okabe and Ito's, which colour-blind eyes tell apart. */
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/console.h"

static const struct {
    short few, many; /* the nearest of 8 and of 256 colours, -1: none */
    const char *sgr[GS_COLORS_COUNT];
} looks[GS_STYLE_COUNT] = {
    [GS_STYLE_PLAIN] = {-1, -1, {"", "0", "0", "0"}},
    [GS_STYLE_HOLDS] = {3, 214, {"", "1;33", "1;38;5;214", "1;38;2;230;159;0"}},
    [GS_STYLE_WAITS] = {1, 166, {"", "31", "38;5;166", "38;2;213;94;0"}},
    [GS_STYLE_WITHOUT] = {2, 36, {"", "32", "38;5;36", "38;2;0;158;115"}},
    [GS_STYLE_IDLE] = {-1, 246, {"", "2", "38;5;246", "38;2;153;153;153"}},
    [GS_STYLE_UNKNOWN] = {5, 175, {"", "35", "38;5;175", "38;2;204;121;167"}},
    [GS_STYLE_NONE] = {6, 74, {"", "36", "38;5;74", "38;2;86;180;233"}},
    [GS_STYLE_BOLD] = {-1, -1, {"", "1", "1", "1"}},
    [GS_STYLE_DIM] = {-1, -1, {"", "2", "2", "2"}},
    [GS_STYLE_REVERSE] = {-1, -1, {"", "7", "7", "7"}},
};

const char *gs_style_sgr(enum gs_color_depth depth, enum gs_style style)
{
    return looks[style].sgr[depth];
}

int gs_style_color(enum gs_style style, bool many)
{
    return many ? looks[style].many : looks[style].few;
}

void gs_locale_set(void)
{
    setlocale(LC_CTYPE, "");
}

static enum gs_color_depth depth_of(FILE *out, enum gs_color_when when)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR"), *more = getenv("COLORTERM");
    bool dumb = !term || !*term || strcmp(term, "dumb") == 0;
    if (when == GS_COLOR_NEVER || (when == GS_COLOR_AUTO && ((no && *no) || dumb || !isatty(fileno(out)))))
        return GS_COLORS_NONE;
    if (more && (strcmp(more, "truecolor") == 0 || strcmp(more, "24bit") == 0))
        return GS_COLORS_TRUE;
    return term && strstr(term, "256color") ? GS_COLORS_256 : GS_COLORS_8;
}

void gs_console_init(struct gs_console *console, FILE *out, enum gs_color_when when)
{
    struct winsize size;
    *console = (struct gs_console){.out = out, .depth = depth_of(out, when)};
    console->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        console->columns = size.ws_col;
}
