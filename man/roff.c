/* Escaping for man(7): what groff and mandoc both read the same way. */
#include <ctype.h>
#include <string.h>

#include "man/roff.h"

enum { LINE_BYTES = 78 };

static void put(FILE *out, char c)
{
    static const char special[] = "\\-'`^~", *const escapes[] = {"\\e", "\\-", "\\(aq", "\\(ga", "\\(ha", "\\(ti"};
    const char *at = c ? strchr(special, c) : NULL;
    if (at)
        fputs(escapes[at - special], out);
    else
        fputc(c, out);
}

void gs_roff_literal(FILE *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        put(out, text[i]);
}

/* The letters of an option without what only follows it in the sentence: "--once" of "--once,"; 0: it is none. */
static size_t option_len(const char *word, size_t len)
{
    size_t dashes = 0;
    while (dashes < 2 && dashes < len && word[dashes] == '-')
        dashes++;
    if (dashes == 0 || dashes == len || !isalnum((unsigned char)word[dashes]))
        return 0;
    while (len > 0 && strchr(".,;:)", word[len - 1]))
        len--;
    return len;
}

/* A word of prose: its hyphens are hyphens between letters, and minus signs elsewhere. */
static void put_word(FILE *out, const char *word, size_t len)
{
    size_t bracket = len > 1 && *word == '(', option = option_len(word + bracket, len - bracket);
    fwrite(word, 1, bracket, out);
    if (option > 0) {
        fputs("\\fB", out);
        gs_roff_literal(out, word + bracket, option);
        fputs("\\fR", out);
    }
    for (size_t i = bracket + option; i < len; i++) {
        bool between =
            i > 0 && i + 1 < len && isalpha((unsigned char)word[i - 1]) && isalpha((unsigned char)word[i + 1]);
        if ((word[i] == '-' && between) || word[i] == '\'')
            fputc(word[i], out);
        else
            put(out, word[i]);
    }
}

/* Puts words where they fit: lines stay under LINE_BYTES, and a sentence begins a new one, as roff wants it. */
struct lines {
    FILE *out;
    int column;
    bool ended; /* a sentence */
};

static void add_word(struct lines *lines, const char *word, size_t len, bool capital)
{
    char roff[1024] = "";
    FILE *out = fmemopen(roff, sizeof roff, "w");
    char first = capital ? (char)toupper((unsigned char)*word) : *word;
    if (!out)
        return;
    if (first != *word)
        fputc(first, out);
    put_word(out, word + (first != *word), len - (first != *word));
    fclose(out);
    int bytes = (int)strlen(roff);
    bool begins =
        lines->column == 0 || lines->column + 1 + bytes > LINE_BYTES || (lines->ended && isupper((unsigned char)first));
    if (begins && lines->column > 0)
        fputc('\n', lines->out);
    if (!begins)
        fputc(' ', lines->out);
    /* A point or an apostrophe at the beginning would be a command. */
    fprintf(lines->out, "%s%s", begins && strchr(".'", *roff) ? "\\&" : "", roff);
    lines->column = (begins ? 0 : lines->column + 1) + bytes;
    lines->ended = strchr(".!?", word[len - 1]) != NULL;
}

void gs_roff_prose(FILE *out, const char *text, size_t len, bool sentence)
{
    const char *end = text + len;
    struct lines lines = {.out = out};
    while (text < end) {
        const char *blank = memchr(text, ' ', (size_t)(end - text));
        if (!blank)
            blank = end;
        if (blank > text)
            add_word(&lines, text, (size_t)(blank - text), sentence && lines.column == 0);
        text = blank + (blank < end);
    }
    if (sentence && len > 0 && !strchr(".:!?", end[-1]))
        fputc('.', out);
    fputc('\n', out);
}

void gs_roff_argument(FILE *out, const char *argument)
{
    char font = 'R';
    for (; *argument; argument++) {
        char wanted = isupper((unsigned char)*argument) ? 'I' : islower((unsigned char)*argument) ? 'B' : 'R';
        if (wanted != font)
            fprintf(out, "\\f%c", wanted);
        put(out, *argument);
        font = wanted;
    }
    if (font != 'R')
        fputs("\\fR", out);
}
