/* Key by key: each becomes a word of a command line, "name=value", and is read as such. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/config.h"

enum { FILE_MOST = 1 << 20, WORD_MOST = 4096 };

struct reading {
    struct gs_args *args;
    uint64_t allowed; /* options that the file may set */
    uint64_t given;   /* options of the command line, which stay as they are */
    const char *at;   /* the text, terminated */
    int line;
    char word[WORD_MOST]; /* key, then "key=value" */
    size_t key_len, len;
    struct gs_err *err;
};

static enum gs_status wrong(const struct reading *r, const char *what)
{
    return gs_fail(r->err, GS_USAGE, "cannot read line %d of %.200s: %s", r->line, r->args->config, what);
}

static void skip_blanks(struct reading *r)
{
    r->at += strspn(r->at, " \t");
}

/* Comments and, in a list, ends of lines too. */
static void skip_space(struct reading *r)
{
    for (;; r->at++) {
        if (*r->at == '#')
            r->at += strcspn(r->at, "\n");
        if (*r->at == '\n')
            r->line++;
        if (!*r->at || !strchr(" \t\r\n", *r->at))
            return;
    }
}

static bool put(struct reading *r, char c)
{
    if (r->len + 1 >= WORD_MOST)
        return false;
    r->word[r->len++] = c;
    r->word[r->len] = '\0';
    return true;
}

static enum gs_status read_string(struct reading *r)
{
    static const char escapes[] = "\"\\tn", meant[] = "\"\\\t\n";
    char quote = *r->at++;
    for (; *r->at != quote; r->at++) {
        const char *escape = NULL;
        if (!*r->at || *r->at == '\n')
            return wrong(r, "a text has no end");
        if (quote == '"' && *r->at == '\\' && (!*++r->at || !(escape = strchr(escapes, *r->at))))
            return wrong(r, "only \\\" \\\\ \\t and \\n are known behind a backslash");
        if (!put(r, escape ? meant[escape - escapes] : *r->at))
            return wrong(r, "it is too long");
    }
    r->at++;
    return GS_OK;
}

static enum gs_status read_bare(struct reading *r)
{
    size_t len = strspn(r->at, "abcdefghijklmnopqrstuvwxyz0123456789+-._");
    for (const char *end = r->at + len; r->at < end; r->at++) {
        if (*r->at != '_' && !put(r, *r->at))
            return wrong(r, "it is too long");
    }
    return len > 0 ? GS_OK : wrong(r, "a value is missing: a text in quotes, a number, true, false, or a list");
}

/* The word becomes the option's; what it points to stays until the end. */
static enum gs_status apply(struct reading *r)
{
    const char *value = r->word + r->key_len + 1;
    bool flag = strcmp(value, "true") == 0, off = strcmp(value, "false") == 0;
    struct gs_err why = {0};
    if (off)
        return GS_OK;
    char *kept = strndup(r->word, flag ? r->key_len : r->len);
    if (!kept || !gs_args_keep(r->args, kept))
        return gs_fail(r->err, GS_NO_MEMORY, "cannot read %.200s: out of memory", r->args->config);
    enum gs_status status = gs_args_word(r->args, kept, r->allowed, r->given, &why);
    if (status) {
        gs_fail(r->err, status, "cannot read line %d of %.200s: %.200s", r->line, r->args->config, why.what);
        gs_err_todo(r->err, "%s", why.todo);
    }
    return status;
}

static enum gs_status read_value(struct reading *r)
{
    r->len = r->key_len;
    put(r, '=');
    enum gs_status status = *r->at == '"' || *r->at == '\'' ? read_string(r) : read_bare(r);
    return status ? status : apply(r);
}

static enum gs_status read_list(struct reading *r)
{
    enum gs_status status = GS_OK;
    r->at++;
    for (skip_space(r); !status && *r->at != ']'; skip_space(r)) {
        status = read_value(r);
        skip_space(r);
        if (!status && *r->at == ',')
            r->at++;
        else if (!status && *r->at != ']')
            status = wrong(r, "a list has no end, or a comma is missing");
    }
    r->at += !status;
    return status;
}

static enum gs_status read_pair(struct reading *r)
{
    size_t len = strspn(r->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    if (len == 0 || len >= WORD_MOST / 2)
        return wrong(r, "an option's name is missing (there are no tables here, and no names in quotes)");
    memcpy(r->word, r->at, len);
    r->word[len] = '\0';
    r->key_len = len;
    r->at += len;
    skip_blanks(r);
    if (*r->at != '=')
        return wrong(r, "behind an option's name there is no =");
    r->at++;
    skip_blanks(r);
    enum gs_status status = *r->at == '[' ? read_list(r) : read_value(r);
    skip_blanks(r);
    if (!status && *r->at && !strchr("#\r\n", *r->at))
        return wrong(r, "there is more behind the value");
    return status;
}

static enum gs_status read_file(const char *path, char **text, struct gs_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = -1;
    *text = calloc(1, FILE_MOST + 1);
    if (fd >= 0 && *text)
        len = read(fd, *text, FILE_MOST);
    int reason = errno;
    if (fd >= 0)
        close(fd);
    return len >= 0 ? GS_OK : gs_fail(err, GS_FAILED, "cannot read %.200s: %s", path, strerror(reason));
}

enum gs_status gs_config_read(struct gs_args *args, uint64_t allowed, struct gs_err *err)
{
    struct reading r = {.args = args,
                        .allowed = allowed & ~(GS_OPT(CONFIG) | GS_OPT(CHECK_CONFIG) | GS_OPT(HELP)),
                        .given = args->given,
                        .line = 1,
                        .err = err};
    char *text;
    enum gs_status status = read_file(args->config, &text, err);
    r.at = text;
    while (!status) {
        skip_space(&r);
        if (!*r.at)
            break;
        status = read_pair(&r);
    }
    free(text);
    return status;
}
