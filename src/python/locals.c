/* The variables of a frame: names from its code object, values from the slots behind the frame's head. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "python/dict.h"
#include "python/held.h"
#include "python/names_attribute.h"
#include "python/values.h"
#include "python/values_int.h"
#include "python/values_type.h"

enum { GS_PATH_STEPS = 16, GS_PATH_TEXT = 128 /* bytes, the terminating NUL included */ };

struct path_step {
    enum gs_path_kind { GS_PATH_NAME, GS_PATH_KEY, GS_PATH_INDEX } kind;
    char text[GS_PATH_TEXT]; /* of a name, and of a key, which is a str */
    int64_t index;           /* of a list or tuple, from its end where it is negative; or a key, which is an int */
};

/* The first step is a variable. */
struct gs_path {
    struct path_step steps[GS_PATH_STEPS];
    size_t count;
};

/* Reads paths, and follows them without running anything: by what lies in dicts, lists, tuples and instances. */
/* ---- what was asked for ---- */

static bool is_letter(char c, bool first)
{
    return c == '_' || (unsigned char)c >= 0x80 || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

static bool take_text(struct path_step *step, const char *text, size_t len)
{
    if (len == 0 || len >= sizeof step->text)
        return false;
    memcpy(step->text, text, len);
    step->text[len] = '\0';
    return true;
}

static const char *read_name(const char *at, struct path_step *step)
{
    size_t len = 0;
    while (is_letter(at[len], len == 0))
        len++;
    step->kind = GS_PATH_NAME;
    return take_text(step, at, len) ? at + len : NULL;
}

/* What stands behind "[". */
static const char *read_item(const char *at, struct path_step *step)
{
    char *end;
    if (*at == '\'' || *at == '"') {
        const char *close = strchr(at + 1, *at);
        step->kind = GS_PATH_KEY;
        return close && take_text(step, at + 1, (size_t)(close - at) - 1) && close[1] == ']' ? close + 2 : NULL;
    }
    if (!isdigit((unsigned char)*at) && !(*at == '-' && isdigit((unsigned char)at[1])))
        return NULL;
    step->kind = GS_PATH_INDEX;
    step->index = strtoll(at, &end, 10);
    return *end == ']' ? end + 1 : NULL;
}

/* False: that is no path, or a longer one. */
static bool path_read(const char *text, struct gs_path *path)
{
    *path = (struct gs_path){.count = 1};
    const char *at = read_name(text, &path->steps[0]);
    while (at && *at && path->count < GS_PATH_STEPS) {
        struct path_step *step = &path->steps[path->count++];
        at = *at == '.' ? read_name(at + 1, step) : *at == '[' ? read_item(at + 1, step) : NULL;
    }
    return at && !*at;
}

bool gs_path_check(const char *text)
{
    struct gs_path path;
    return path_read(text, &path);
}

/* One of its names and keys is that of a secret. */
static bool names_secret(const struct gs_path *path)
{
    for (size_t i = 0; i < path->count; i++) {
        if (gs_secret_name(path->steps[i].text, strlen(path->steps[i].text)))
            return true;
    }
    return false;
}

/* ---- following it ---- */

static bool is_key(struct gs_repr *repr, const struct path_step *step, gs_addr key)
{
    char text[GS_PATH_TEXT];
    struct gs_type type;
    struct gs_int number;
    if (step->kind != GS_PATH_INDEX)
        return gs_str_read(repr->layout, repr->mem, key, text, sizeof text) == GS_OK && strcmp(text, step->text) == 0;
    uint64_t magnitude = step->index < 0 ? -(uint64_t)step->index : (uint64_t)step->index;
    return gs_type_of(&repr->types, repr->layout, repr->mem, key, &type) && gs_int_is(repr->layout, &type) &&
           gs_int_read(repr->layout, repr->mem, &type, key, &number) == GS_OK && number.bits <= 64 &&
           number.magnitude == magnitude && (magnitude == 0 || number.negative == (step->index < 0));
}

static gs_addr find_in_dict(struct gs_repr *repr, const struct path_step *step, gs_addr object)
{
    struct gs_dict dict;
    gs_addr key, value;
    if (!gs_dict_open(&dict, repr->layout, repr->mem, object))
        return 0;
    while (repr->left > 0 && gs_dict_next(&dict, &key, &value)) {
        if (is_key(repr, step, key))
            return value;
    }
    return 0;
}

static gs_addr find_in_array(struct gs_repr *repr, const struct path_step *step, gs_addr object, bool list,
                             bool *secret)
{
    const struct gs_layout *layout = repr->layout;
    uint64_t size, at = (uint64_t)step->index;
    gs_addr items = object + (gs_addr)layout->tuple_items, value;
    if (step->kind != GS_PATH_INDEX || gs_mem_read_addr(repr->mem, object + (gs_addr)layout->ob_size, &size) ||
        size > INT64_MAX / 8 || (list && gs_mem_read_addr(repr->mem, object + (gs_addr)layout->list_items, &items)))
        return 0;
    at += step->index < 0 ? size : 0;
    if (size == 2 && at == 1 && gs_mem_read_addr(repr->mem, items, &value) == GS_OK)
        *secret |= gs_repr_names_secret(repr, value); /* a header, an item of a dict */
    return at >= size || gs_mem_read_addr(repr->mem, items + at * sizeof value, &value) ? 0 : value;
}

static gs_addr find_attribute(struct gs_repr *repr, const struct path_step *step, const struct gs_type *type,
                              gs_addr object)
{
    struct gs_dict dict;
    gs_addr globals;
    if (gs_type_has(type, GS_TYPE_HEAP) || !gs_type_named(type, repr->mem, "module"))
        return gs_attribute_find(repr->layout, repr->mem, &repr->types, object, step->text);
    return gs_mem_read_addr(repr->mem, object + (gs_addr)repr->layout->mod_dict, &globals) == GS_OK && globals &&
                   gs_dict_open(&dict, repr->layout, repr->mem, globals)
               ? gs_dict_find(&dict, &repr->types, step->text)
               : 0;
}

static gs_addr find(struct gs_repr *repr, const struct path_step *step, gs_addr object, bool *secret)
{
    struct gs_type type;
    if (!gs_type_of(&repr->types, repr->layout, repr->mem, object, &type))
        return 0;
    if (step->kind == GS_PATH_NAME)
        return find_attribute(repr, step, &type, object);
    if (gs_type_has(&type, GS_TYPE_DICT))
        return find_in_dict(repr, step, object);
    bool list = gs_type_has(&type, GS_TYPE_LIST);
    return list || gs_type_has(&type, GS_TYPE_TUPLE) ? find_in_array(repr, step, object, list, secret) : 0;
}

/* The object that the steps behind the first lead to from `object`; 0: there is none. Attributes are those of the
 * object itself, or of a module: nothing in the target is called. *secret: a name or key on the way is that of a
 * secret, and secrets are not shown. */
static gs_addr path_follow(const struct gs_path *path, struct gs_repr *repr, gs_addr object, bool *secret)
{
    *secret = !repr->secrets && names_secret(path);
    for (size_t i = 1; i < path->count && object; i++)
        object = find(repr, &path->steps[i], object, secret);
    return object;
}

enum {
    MAX_LOCALS = 4096, /* more are not shown */
    MAX_NAME_BYTES = 256,
    MAX_SHARED = 256, /* arguments that are looked for among the cells */
    KIND_CELL = 0x40, /* CO_FAST_CELL, CO_FAST_FREE: Include/internal/pycore_code.h */
    KIND_FREE = 0x80
};

/* One reading: the names and kinds of the slots, and what is in them. */
struct reading {
    const struct gs_layout *layout;
    struct gs_mem *mem;
    struct gs_types types;
    gs_addr names[MAX_LOCALS]; /* str objects */
    uint8_t kinds[MAX_LOCALS];
    gs_addr slots[MAX_LOCALS]; /* tags removed; 0: unbound */
    const struct gs_wish *wish;
    char *repr; /* room for GS_REPR_MAX bytes, or as many as are wished for */
    size_t repr_bytes;
    size_t count;
};

/* Appends the items of a tuple of names, all of one kind. */
static enum gs_status append_names(struct reading *r, gs_addr tuple, uint8_t kind)
{
    uint64_t size;
    struct gs_type type;
    if (!gs_type_of(&r->types, r->layout, r->mem, tuple, &type) || !gs_type_has(&type, GS_TYPE_TUPLE))
        return GS_LOST;
    enum gs_status status = gs_mem_read_addr(r->mem, tuple + (gs_addr)r->layout->ob_size, &size);
    if (status)
        return status;
    size_t room = MAX_LOCALS - r->count, count = size < room ? (size_t)size : room;
    if (count > 0)
        status = gs_mem_read(r->mem, tuple + (gs_addr)r->layout->tuple_items, r->names + r->count,
                             count * sizeof r->names[0]);
    if (status)
        return status;
    memset(r->kinds + r->count, kind, count);
    r->count += count;
    return GS_OK;
}

static enum gs_status append_field(struct reading *r, gs_addr code, int32_t field, uint8_t kind)
{
    gs_addr tuple;
    enum gs_status status = gs_mem_read_addr(r->mem, code + (gs_addr)field, &tuple);
    return status ? status : append_names(r, tuple, kind);
}

/* 3.11 on: the kind of each slot is a byte of a bytes object. */
static enum gs_status read_kinds(struct reading *r, gs_addr code)
{
    gs_addr kinds;
    uint64_t size;
    enum gs_status status = gs_mem_read_addr(r->mem, code + (gs_addr)r->layout->co_localspluskinds, &kinds);
    if (!status)
        status = gs_mem_read_addr(r->mem, kinds + (gs_addr)r->layout->ob_size, &size);
    if (status || r->count == 0)
        return status;
    if (size < r->count)
        return GS_LOST;
    return gs_mem_read(r->mem, kinds + (gs_addr)r->layout->bytes_data, r->kinds, r->count);
}

static enum gs_status read_names(struct reading *r, gs_addr code)
{
    const struct gs_layout *layout = r->layout;
    if (layout->co_localsplusnames != GS_ABSENT) {
        enum gs_status status = append_field(r, code, layout->co_localsplusnames, 0);
        return status ? status : read_kinds(r, code);
    }
    enum gs_status status = append_field(r, code, layout->co_varnames, 0);
    if (!status)
        status = append_field(r, code, layout->co_cellvars, KIND_CELL);
    return status ? status : append_field(r, code, layout->co_freevars, KIND_FREE);
}

/* The head of the frame and its slots in one read: what they hold belongs to `code` if the head still says so. */
static enum gs_status read_slots(struct reading *r, gs_addr frame, gs_addr code)
{
    const struct gs_layout *layout = r->layout;
    bool object = layout->if_localsplus == GS_ABSENT;
    int32_t head = object ? layout->fo_localsplus : layout->if_localsplus;
    int32_t code_at = object ? layout->fo_code : layout->if_code;
    gs_addr mask = ~(gs_addr)(uint32_t)layout->ref_tag_mask, runs;
    if (head < 0 || code_at < 0 || code_at > head - (int32_t)sizeof runs)
        return GS_FAILED;
    size_t len = (size_t)head + r->count * sizeof r->slots[0];
    uint8_t *bytes = malloc(len);
    if (!bytes)
        return GS_NO_MEMORY;
    enum gs_status status = gs_mem_read(r->mem, frame, bytes, len);
    if (!status) {
        memcpy(&runs, bytes + code_at, sizeof runs);
        memcpy(r->slots, bytes + head, r->count * sizeof r->slots[0]);
        status = (runs & mask) == code ? GS_OK : GS_LOST;
    }
    free(bytes);
    /* A reference whose tag is all ones is a small integer of the interpreter's own, that with 2 is none: neither is
     * ever the value of a variable. */
    for (size_t i = 0; i < r->count; i++)
        r->slots[i] = (r->slots[i] & ~mask) > 1 ? 0 : r->slots[i] & mask;
    return status;
}

/* The value of a slot: a variable that inner functions share lies in a cell, once that was made. */
static gs_addr value_of(struct reading *r, size_t i)
{
    struct gs_type type;
    gs_addr value;
    if (r->slots[i] == 0 || !(r->kinds[i] & (KIND_CELL | KIND_FREE)) ||
        !gs_type_of(&r->types, r->layout, r->mem, r->slots[i], &type) || !gs_type_named(&type, r->mem, "cell"))
        return r->slots[i];
    return gs_mem_read_addr(r->mem, r->slots[i] + (gs_addr)r->layout->cell_ref, &value) ? 0 : value;
}

/* Up to 3.10 an argument that inner functions share has a cell of its own besides its slot, which is stale then. */
static bool has_cell(const struct reading *r, size_t slot, size_t *cell)
{
    for (size_t i = slot + 1; i < r->count; i++) {
        if (r->names[i] == r->names[slot] && r->kinds[i] & KIND_CELL) {
            *cell = i;
            return true;
        }
    }
    return false;
}

static enum gs_status add_local(struct reading *r, const char *name, bool argument, struct gs_local *local)
{
    *local = (struct gs_local){strdup(name), strdup(r->repr), argument};
    if (local->name && local->value)
        return GS_OK;
    free(local->name);
    free(local->value);
    return GS_NO_MEMORY;
}

static enum gs_status append(struct reading *r, size_t name, gs_addr value, bool argument, struct gs_local *local)
{
    char text[MAX_NAME_BYTES];
    struct gs_repr repr;
    enum gs_status status = gs_str_read(r->layout, r->mem, r->names[name], text, sizeof text);
    if (status)
        return status;
    gs_repr_init(&repr, r->layout, r->mem, r->wish->secrets, r->wish->bytes == 0, r->repr,
                 r->wish->bytes ? r->repr_bytes : GS_REPR_MAX);
    if (!r->wish->secrets && gs_secret_name(text, strlen(text)))
        strcpy(r->repr, GS_SECRET_HIDDEN);
    else
        gs_repr_value(&repr, value);
    return add_local(r, text, argument, local);
}

/* Up to 3.10 an argument may have two slots: each variable once, and where its value lies. */
static bool next_variable(struct reading *r, const struct gs_code *code, bool *done, size_t *at, gs_addr *value)
{
    for (; *at < r->count; ++*at) {
        size_t from = *at;
        if (done[from])
            continue;
        if (from < (size_t)code->arg_count && from < MAX_SHARED && has_cell(r, *at, &from))
            done[from] = true;
        *value = value_of(r, from);
        if (*value)
            return true;
    }
    return false;
}

static enum gs_status collect(struct reading *r, const struct gs_code *code, struct gs_local *locals, size_t *count)
{
    bool done[MAX_LOCALS] = {0};
    gs_addr value;
    for (size_t i = 0; r->wish->locals && next_variable(r, code, done, &i, &value); i++) {
        enum gs_status status = append(r, i, value, i < (size_t)code->arg_count, &locals[*count]);
        if (status == GS_NO_MEMORY || status == GS_GONE)
            return status;
        *count += status == GS_OK;
    }
    return GS_OK;
}

/* The value of the variable that a path begins with; 0: there is none. */
static gs_addr find_variable(struct reading *r, const struct gs_code *code, const char *name)
{
    bool done[MAX_LOCALS] = {0};
    char text[GS_PATH_TEXT];
    gs_addr value;
    for (size_t i = 0; next_variable(r, code, done, &i, &value); i++) {
        if (gs_str_read(r->layout, r->mem, r->names[i], text, sizeof text) == GS_OK && strcmp(text, name) == 0)
            return value;
    }
    return 0;
}

static enum gs_status collect_paths(struct reading *r, const struct gs_code *code, struct gs_local *locals,
                                    size_t *count)
{
    struct gs_path path;
    struct gs_repr repr;
    for (size_t i = 0; i < r->wish->path_count; i++) {
        const char *text = r->wish->paths[i];
        bool secret = false;
        gs_addr value = path_read(text, &path) ? find_variable(r, code, path.steps[0].text) : 0;
        gs_repr_init(&repr, r->layout, r->mem, r->wish->secrets, false, r->repr, r->repr_bytes);
        value = value ? path_follow(&path, &repr, value, &secret) : 0;
        if (!value)
            continue;
        if (secret)
            strcpy(r->repr, GS_SECRET_HIDDEN);
        else
            gs_repr_value(&repr, value);
        enum gs_status status = add_local(r, text, false, &locals[*count]);
        if (status)
            return status;
        ++*count;
    }
    return GS_OK;
}

static size_t repr_bytes(const struct gs_wish *wish)
{
    size_t bytes = wish->bytes ? wish->bytes : wish->path_count ? GS_WISH_BYTES : GS_REPR_MAX;
    return bytes < GS_WISH_LEAST ? GS_WISH_LEAST : bytes > GS_WISH_MOST ? GS_WISH_MOST : bytes;
}

enum gs_status gs_locals_read(const struct gs_python *python, struct gs_mem *mem, gs_addr frame,
                              const struct gs_code *code, const struct gs_wish *wish, struct gs_local **locals,
                              size_t *count)
{
    struct reading *r = calloc(1, sizeof *r);
    size_t bytes = repr_bytes(wish) < GS_REPR_MAX ? GS_REPR_MAX : repr_bytes(wish);
    char *repr = malloc(bytes);
    *locals = NULL;
    *count = 0;
    enum gs_status status = r && repr ? GS_OK : GS_NO_MEMORY;
    if (!status) {
        *r = (struct reading){
            .layout = &python->layout, .mem = mem, .wish = wish, .repr = repr, .repr_bytes = repr_bytes(wish)};
        status = read_names(r, code->addr);
    }
    if (!status)
        status = read_slots(r, frame, code->addr);
    if (!status) {
        *locals = calloc(r->count + wish->path_count + 1, sizeof **locals);
        status = *locals ? collect(r, code, *locals, count) : GS_NO_MEMORY;
    }
    if (!status)
        status = collect_paths(r, code, *locals, count);
    if (status) {
        gs_locals_free(*locals, *count);
        *locals = NULL;
        *count = 0;
    }
    free(repr);
    free(r);
    return status;
}

static enum gs_status list_objects(struct reading *r, struct gs_variable *list, size_t room, size_t *count)
{
    for (size_t i = 0; i < r->count && *count < room; i++) {
        struct gs_variable *variable = &list[*count];
        size_t from = i;
        if (i < MAX_SHARED && has_cell(r, i, &from) && r->slots[from] == 0)
            from = i;
        variable->object = value_of(r, from);
        if (variable->object == 0)
            continue;
        enum gs_status status = gs_str_read(r->layout, r->mem, r->names[i], variable->name, sizeof variable->name);
        if (status == GS_GONE)
            return status;
        *count += status == GS_OK;
    }
    return GS_OK;
}

enum gs_status gs_locals_objects(const struct gs_python *python, struct gs_mem *mem, gs_addr frame,
                                 const struct gs_code *code, struct gs_variable *list, size_t room, size_t *count)
{
    struct reading *r = calloc(1, sizeof *r);
    *count = 0;
    if (!r)
        return GS_NO_MEMORY;
    r->layout = &python->layout;
    r->mem = mem;
    enum gs_status status = read_names(r, code->addr);
    if (!status)
        status = read_slots(r, frame, code->addr);
    if (!status)
        status = list_objects(r, list, room, count);
    free(r);
    return status;
}

void gs_locals_free(struct gs_local *locals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(locals[i].name);
        free(locals[i].value);
    }
    free(locals);
}
