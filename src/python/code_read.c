/* Reads a code object at first sight: its struct in one read, what it points to in a second, scattered one. */
#include <stdlib.h>
#include <string.h>

#include "base/watch.h"
#include "base/fnv.h"
#include "python/code_read.h"
#include "python/pystr.h"

/* ---- strings: one copy of each however many code objects share it, counted, so that those of forgotten code go with
 * them ---- */

struct gs_code_string {
    struct gs_code_string *next;
    size_t users;
    uint64_t hash;
    char text[];
};

/* The table stays correct, only slower, when there is no memory to grow it. */
static void grow_strings(struct gs_code_strings *strings)
{
    size_t count = strings->bucket_count ? strings->bucket_count * 2 : 64;
    struct gs_code_string **buckets = calloc(count, sizeof *buckets);
    if (!buckets)
        return;
    for (size_t i = 0; i < strings->bucket_count; i++) {
        for (struct gs_code_string *s = strings->buckets[i], *next; s; s = next) {
            next = s->next;
            s->next = buckets[s->hash % count];
            buckets[s->hash % count] = s;
        }
    }
    free(strings->buckets);
    strings->buckets = buckets;
    strings->bucket_count = count;
}

/* Each take is matched by a drop. */
char *gs_code_string(struct gs_code_strings *strings, const char *text)
{
    uint64_t hash = gs_fnv(text);
    if (strings->count >= strings->bucket_count)
        grow_strings(strings);
    if (strings->bucket_count == 0)
        return NULL;
    struct gs_code_string **bucket = &strings->buckets[hash % strings->bucket_count];
    for (struct gs_code_string *s = *bucket; s; s = s->next) {
        if (s->hash == hash && strcmp(s->text, text) == 0) {
            s->users++;
            return s->text;
        }
    }
    size_t size = strlen(text) + 1;
    struct gs_code_string *s = malloc(sizeof *s + size);
    if (!s)
        return NULL;
    *s = (struct gs_code_string){.next = *bucket, .users = 1, .hash = hash};
    memcpy(s->text, text, size);
    *bucket = s;
    strings->count++;
    return s->text;
}

/* text may be NULL. */
static void drop_string(struct gs_code_strings *strings, char *text)
{
    if (!text)
        return;
    struct gs_code_string *s = (struct gs_code_string *)(void *)(text - offsetof(struct gs_code_string, text));
    if (--s->users > 0)
        return;
    struct gs_code_string **at = &strings->buckets[s->hash % strings->bucket_count];
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    strings->count--;
    free(s);
}

void gs_code_strings_fini(struct gs_code_strings *strings)
{
    free(strings->buckets);
    *strings = (struct gs_code_strings){0};
}

/* ---- code objects ---- */

enum {
    MAX_NAME_BYTES = 1024, /* of a function's name */
    MAX_FILE_BYTES = 4096,
    MAX_LINE_TABLE = 4 << 20,
    MAX_COUNT = 1 << 24, /* of variables or of stack slots: more is no code object */
    MAX_UNITS = 1 << 29,
    VARARGS = 0x4, /* co_flags: Include/code.h */
    VARKEYWORDS = 0x8
};

size_t gs_code_span(const struct gs_layout *layout)
{
    const int32_t words[] = {layout->ob_type,           layout->ob_size,        layout->co_argcount,
                             layout->co_kwonlyargcount, layout->co_flags,       layout->co_firstlineno,
                             layout->co_nlocals,        layout->co_nlocalsplus, layout->co_stacksize,
                             layout->co_framesize,      layout->co_code,        layout->co_cellvars,
                             layout->co_freevars,       layout->co_filename,    layout->co_name,
                             layout->co_qualname,       layout->co_linetable,   layout->co_firsttraceable};
    int32_t last = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        last = words[i] > last ? words[i] : last;
    size_t span = (size_t)last + 8;
    return span <= GS_CODE_SPAN ? span : GS_CODE_SPAN;
}

/* A field of the struct, 0 where this Python has none. */
static gs_addr word_at(const uint8_t *bytes, int32_t offset)
{
    gs_addr value = 0;
    if (offset >= 0 && offset <= GS_CODE_SPAN - 8)
        memcpy(&value, bytes + offset, sizeof value);
    return value;
}

static int32_t int_at(const uint8_t *bytes, int32_t offset)
{
    return (int32_t)(uint32_t)word_at(bytes, offset);
}

/* What is read in the second step. */
struct parts {
    struct gs_near name, qualname, file, lines;
    uint64_t code_size, cell_count, free_count;
};

enum { MAX_PIECES = 7 };

static enum gs_status read_parts(const struct gs_layout *layout, struct gs_mem *mem, const uint8_t *bytes,
                                 struct parts *parts)
{
    struct gs_piece pieces[MAX_PIECES];
    size_t count = 0, head = gs_str_head(layout);
    pieces[count++] = gs_near_piece(&parts->name, word_at(bytes, layout->co_name), head);
    pieces[count++] = gs_near_piece(&parts->file, word_at(bytes, layout->co_filename), head);
    pieces[count++] =
        gs_near_piece(&parts->lines, word_at(bytes, layout->co_linetable), (size_t)layout->ob_size + sizeof(uint64_t));
    if (layout->co_qualname != GS_ABSENT)
        pieces[count++] = gs_near_piece(&parts->qualname, word_at(bytes, layout->co_qualname), head);
    const struct {
        int32_t field;
        uint64_t *size;
    } sizes[] = {{layout->co_code, &parts->code_size},
                 {layout->co_cellvars, &parts->cell_count},
                 {layout->co_freevars, &parts->free_count}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        *sizes[i].size = 0;
        if (sizes[i].field != GS_ABSENT)
            pieces[count++] = (struct gs_piece){word_at(bytes, sizes[i].field) + (gs_addr)layout->ob_size,
                                                sizes[i].size, sizeof(uint64_t), false};
    }
    enum gs_status status = gs_mem_read_many(mem, pieces, count);
    struct gs_near *const near[] = {&parts->name, &parts->file, &parts->lines, &parts->qualname};
    size_t near_count = layout->co_qualname != GS_ABSENT ? 4 : 3;
    for (size_t i = 0; i < count && !status; i++) {
        if (!pieces[i].ok && i < near_count)
            near[i]->len = 0; /* whoever needs it finds out how much of it can be read */
        else if (!pieces[i].ok)
            status = GS_UNREADABLE;
    }
    return status;
}

/* Memory that is missing for good (of a core, or pages that do not come) is no reason to give up the stack: a live
 * process's may be missing because the address is a wrong one. */
static bool may_lack(const struct gs_python *python)
{
    const struct gs_target *target = python->target;
    return target && (target->postmortem || gs_watch_careful(target->watch));
}

/* The type of code objects is a static one named "code"; once seen, its address is enough. */
static enum gs_status check_type(struct gs_python *python, struct gs_types *types, gs_addr addr)
{
    struct gs_type type;
    if (python->code_type)
        return addr == python->code_type ? GS_OK : GS_LOST;
    if (!gs_type_get(types, &python->layout, python->mem, addr, &type) || gs_type_has(&type, GS_TYPE_HEAP) ||
        !gs_type_named_or(&type, python->mem, "code", may_lack(python)))
        return GS_LOST;
    python->code_type = addr;
    return GS_OK;
}

static bool in_bounds(int32_t count)
{
    return count >= 0 && count <= MAX_COUNT;
}

/* The numbers of a code object: false when one is impossible. */
static bool fill_numbers(const struct gs_layout *layout, const uint8_t *bytes, const struct parts *parts,
                         struct gs_code *code)
{
    int32_t args = int_at(bytes, layout->co_argcount), keywords = int_at(bytes, layout->co_kwonlyargcount);
    int32_t flags = int_at(bytes, layout->co_flags), stack = int_at(bytes, layout->co_stacksize);
    int32_t words = int_at(bytes, layout->co_framesize), locals = int_at(bytes, layout->co_nlocals);
    int32_t all = int_at(bytes, layout->co_nlocalsplus);
    uint64_t units = layout->co_code == GS_ABSENT ? word_at(bytes, layout->ob_size) : parts->code_size;
    if (!in_bounds(args) || !in_bounds(keywords) || !in_bounds(stack) || !in_bounds(words) || !in_bounds(locals) ||
        !in_bounds(all) || units > MAX_UNITS || parts->cell_count > MAX_COUNT || parts->free_count > MAX_COUNT)
        return false;
    code->first_line = int_at(bytes, layout->co_firstlineno);
    code->arg_count = args + keywords + !!(flags & VARARGS) + !!(flags & VARKEYWORDS);
    if (layout->co_code_adaptive == GS_ABSENT) {
        code->code_bytes = (int32_t)units;
        code->locals_count = locals + (int32_t)parts->cell_count + (int32_t)parts->free_count;
        return true;
    }
    code->code_bytes = (int32_t)units * 2;
    code->trampoline =
        layout->co_firsttraceable != GS_ABSENT && (uint32_t)int_at(bytes, layout->co_firsttraceable) >= units;
    code->head_offset = layout->co_code_adaptive;
    code->locals_count = all;
    code->frame_words = layout->co_framesize != GS_ABSENT ? words : all + stack + layout->frame_head_words;
    return true;
}

struct gs_piece gs_code_mark_piece(const struct gs_layout *layout, gs_addr string, struct gs_code_mark *mark)
{
    gs_addr at = string + (gs_addr)layout->ob_type + sizeof(gs_addr);
    return (struct gs_piece){at, mark, sizeof *mark, false};
}

/* Of the copy that the name is made of: the next one to lie there is another string. */
static void take_mark(const struct gs_python *python, const struct gs_near *near, struct gs_code_mark *mark)
{
    struct gs_piece piece = gs_code_mark_piece(&python->layout, near->object, mark);
    (void)!gs_near_read(near, python->mem, piece.addr, mark, sizeof *mark);
}

static enum gs_status take_string(struct gs_python *python, struct gs_types *types, struct gs_code_strings *strings,
                                  const struct gs_near *near, size_t size, char **text)
{
    char buffer[MAX_FILE_BYTES];
    enum gs_status status = gs_str_finish(&python->layout, python->mem, types, near, buffer, size);
    if (status == GS_UNREADABLE && may_lack(python))
        strcpy(buffer, "<unreadable>");
    else if (status)
        return status;
    *text = gs_code_string(strings, buffer);
    return *text ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status fill_lines(struct gs_python *python, struct gs_types *types, const struct gs_near *near,
                                 struct gs_code *code)
{
    const struct gs_layout *layout = &python->layout;
    struct gs_type type;
    gs_addr addr;
    uint64_t size;
    enum gs_status status =
        gs_near_read(near, python->mem, near->object + (gs_addr)layout->ob_type, &addr, sizeof addr);
    if (!status)
        status = gs_near_read(near, python->mem, near->object + (gs_addr)layout->ob_size, &size, sizeof size);
    if (status)
        return status;
    if (!gs_type_get(types, layout, python->mem, addr, &type) || !gs_type_has(&type, GS_TYPE_BYTES))
        return GS_LOST;
    code->line_bytes = size < MAX_LINE_TABLE ? (uint32_t)size : MAX_LINE_TABLE;
    code->lines = malloc(code->line_bytes + 1u);
    if (!code->lines)
        return GS_NO_MEMORY;
    return gs_near_read(near, python->mem, near->object + (gs_addr)layout->bytes_data, code->lines, code->line_bytes);
}

static enum gs_status fill(struct gs_python *python, struct gs_types *types, struct gs_code_strings *strings,
                           const uint8_t *bytes, struct gs_code *code)
{
    struct parts parts;
    enum gs_status status = read_parts(&python->layout, python->mem, bytes, &parts);
    if (status)
        return status;
    if (!fill_numbers(&python->layout, bytes, &parts, code))
        return GS_LOST;
    take_mark(python, &parts.name, &code->name_mark);
    take_mark(python, &parts.file, &code->file_mark);
    status = take_string(python, types, strings, &parts.name, MAX_NAME_BYTES, &code->function);
    if (!status)
        status = take_string(python, types, strings, &parts.file, MAX_FILE_BYTES, &code->file);
    if (!status && python->layout.co_qualname != GS_ABSENT)
        status = take_string(python, types, strings, &parts.qualname, MAX_NAME_BYTES, &code->qualname);
    if (!status)
        status = fill_lines(python, types, &parts.lines, code);
    if (status == GS_UNREADABLE && may_lack(python)) {
        free(code->lines);
        code->lines = NULL;
        status = GS_OK;
    }
    return status;
}

enum gs_status gs_code_read(struct gs_python *python, struct gs_types *types, struct gs_code_strings *strings,
                            gs_addr addr, struct gs_code *code)
{
    const struct gs_layout *layout = &python->layout;
    uint8_t bytes[GS_CODE_SPAN];
    enum gs_status status = addr == 0 || addr % 8 != 0 ? GS_LOST : GS_OK;
    if (!status)
        status = gs_mem_read(python->mem, addr, bytes, gs_code_span(layout));
    if (!status)
        status = check_type(python, types, word_at(bytes, layout->ob_type));
    if (status)
        return status;
    *code = (struct gs_code){.addr = addr,
                             .name_addr = word_at(bytes, layout->co_name),
                             .file_addr = word_at(bytes, layout->co_filename),
                             .lines_addr = word_at(bytes, layout->co_linetable)};
    status = fill(python, types, strings, bytes, code);
    if (status)
        gs_code_fini(code, strings);
    else if (code->lines)
        gs_code_mark_lines(layout, code);
    return status;
}

bool gs_code_same(const struct gs_python *python, const struct gs_code *code, const uint8_t *bytes)
{
    const struct gs_layout *layout = &python->layout;
    return word_at(bytes, layout->ob_type) == python->code_type && word_at(bytes, layout->co_name) == code->name_addr &&
           word_at(bytes, layout->co_filename) == code->file_addr &&
           word_at(bytes, layout->co_linetable) == code->lines_addr &&
           int_at(bytes, layout->co_firstlineno) == code->first_line;
}

void gs_code_fini(struct gs_code *code, struct gs_code_strings *strings)
{
    drop_string(strings, code->function);
    drop_string(strings, code->qualname);
    drop_string(strings, code->file);
    free(code->lines);
    free(code->marks);
    *code = (struct gs_code){0};
}
