/* Names of functions, files, threads and processes as they stand in files. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/shorten.h"
#include "export/label.h"
#include "export/words.h"

void gs_label_fini(struct gs_label *label)
{
    free(label->bytes);
}

void gs_label_cut(struct gs_label *label, size_t len)
{
    label->len = len;
    if (label->bytes)
        label->bytes[len] = '\0';
}

static void append(struct gs_label *label, const char *bytes, size_t len)
{
    if (len >= label->size - label->len) {
        size_t size = (label->len + len + 1) * 2;
        char *more = realloc(label->bytes, size);
        if (!more) {
            label->failed = true;
            return;
        }
        label->bytes = more;
        label->size = size;
    }
    memcpy(label->bytes + label->len, bytes, len);
    label->len += len;
    label->bytes[label->len] = '\0';
}

void gs_label_put(struct gs_label *label, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len > 0)
        append(label, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

void gs_label_add(struct gs_label *label, const char *theirs, size_t most)
{
    size_t left = strlen(theirs), plain = 0;
    for (size_t shown = 0; left > 0; shown++) {
        uint32_t c;
        char form[GS_ESCAPE_MAX];
        if (most > 0 && shown == most) {
            append(label, "…", strlen("…"));
            return;
        }
        for (plain = 0; plain < left && theirs[plain] >= ' ' && theirs[plain] < 0x7f; plain++)
            if (most > 0 && shown + plain == most)
                break;
        if (plain > 0) {
            append(label, theirs, plain);
            shown += plain - 1;
            theirs += plain;
            left -= plain;
            continue;
        }
        size_t taken = gs_utf8_next(theirs, left, &c);
        append(label, form, gs_escape_plain(c, form));
        theirs += taken;
        left -= taken;
    }
}

void gs_label_name(struct gs_label *label, const char *theirs, size_t most)
{
    const char *end = theirs;
    size_t count = 0, left = strlen(theirs), ahead;
    uint32_t c;
    for (; left > 0; left -= ahead, end += ahead, count++)
        ahead = gs_utf8_next(end, left, &c);
    if (count <= most) {
        gs_label_add(label, theirs, 0);
        return;
    }
    size_t before = (most - 1) / 2;
    gs_label_add(label, theirs, before);
    left = (size_t)(end - theirs);
    for (size_t skipped = 0; skipped < count - (most - 1 - before); skipped++) {
        ahead = gs_utf8_next(theirs, left, &c);
        theirs += ahead;
        left -= ahead;
    }
    gs_label_add(label, theirs, 0);
}

void gs_label_function(struct gs_label *label, const struct gs_place *place, size_t most)
{
    char room[GS_CALLED];
    bool native = place->kind == GS_FRAME_NATIVE;
    const char *name = native ? place->function : gs_called(place->function, place->qualname, false, room);
    gs_label_add(label, *name ? name : "<unknown code>", most);
}

void gs_label_place(struct gs_label *label, const struct gs_place *place, const struct gs_files *files, size_t most)
{
    if (place->kind == GS_FRAME_GAP) {
        gs_label_put(label, "[gap: ");
        gs_label_add(label, place->function, most);
        gs_label_put(label, "]");
        return;
    }
    const char *file = place->module ? place->module : place->file;
    gs_label_function(label, place, most);
    if (!file || !*file)
        return;
    gs_label_put(label, " (");
    gs_label_add(label, files ? gs_files_shorten(files, file) : file, most);
    if (place->line > 0 && !place->module)
        gs_label_put(label, ":%d", (int)place->line);
    gs_label_put(label, ")");
}

static void add_thread(struct gs_label *label, const struct gs_calltree_thread *thread, size_t most)
{
    gs_label_add(label, *thread->name ? thread->name : "<no name>", most);
    if (thread->shared || !*thread->name)
        gs_label_put(label, " (%d)", (int)thread->tid);
}

void gs_label_node(struct gs_label *label, const struct gs_calltree *tree, uint32_t node, const struct gs_files *files,
                   size_t most)
{
    static const char *const words[] = {[GS_NODE_LATE] = "[gap: sampler late]",
                                        [GS_NODE_NO_PYTHON] = "[no Python frames]",
                                        [GS_NODE_HOLDER_UNKNOWN] = "[holder unknown]",
                                        [GS_NODE_DELAYS] = "[delays]",
                                        [GS_NODE_OTHER] = "(other)"};
    enum gs_node_kind kind = gs_node_kind(gs_calltree_node(tree, node));
    if (kind == GS_NODE_FRAME) {
        gs_label_place(label, gs_calltree_place(tree, node), files, most);
    } else if (kind == GS_NODE_THREAD) {
        add_thread(label, gs_calltree_thread(tree, node), most);
    } else if (kind == GS_NODE_PROCESS) {
        const struct gs_calltree_process *process =
            gs_calltree_process(tree, gs_node_number(gs_calltree_node(tree, node)));
        gs_label_put(label, "%d: ", (int)process->pid);
        gs_label_add(label, process->command, most);
    } else {
        gs_label_put(label, "%s", words[kind]);
    }
}

int32_t gs_label_parts(struct gs_label *name, struct gs_label *file, const struct gs_calltree *tree, uint32_t node)
{
    bool frame = gs_node_kind(gs_calltree_node(tree, node)) == GS_NODE_FRAME;
    const struct gs_place *place = frame ? gs_calltree_place(tree, node) : NULL;
    if (!place || place->kind == GS_FRAME_GAP) {
        gs_label_node(name, tree, node, NULL, 0);
        return 0;
    }
    gs_label_function(name, place, 0);
    gs_label_add(file, place->module ? place->module : place->file, 0);
    return place->line > 0 && !place->module ? place->line : 0;
}

void gs_label_time(struct gs_label *label, uint64_t ns)
{
    struct gs_text words;
    gs_text_init(&words, true);
    gs_words_time(&words, (ns + 500) / 1000);
    gs_label_put(label, "%s", words.bytes ? words.bytes : "");
    gs_text_fini(&words);
}

void gs_label_count(struct gs_label *label, uint64_t count, const char *one, const char *many)
{
    struct gs_text words;
    gs_text_init(&words, true);
    gs_words_count(&words, count, one, many);
    gs_label_put(label, "%s", words.bytes ? words.bytes : "");
    gs_text_fini(&words);
}

void gs_xml_write(const char *text, FILE *out)
{
    static const char special[] = "&<>\"'";
    static const char *const forms[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (;;) {
        size_t plain = strcspn(text, special);
        fwrite(text, 1, plain, out);
        text += plain;
        if (!*text)
            return;
        fputs(forms[strchr(special, *text) - special], out);
        text++;
    }
}
