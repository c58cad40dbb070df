/* Reads paths, and follows them without running anything: by what lies in dicts, lists, tuples and instances. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "python/dict.h"
#include "python/names_attribute.h"
#include "python/path.h"
#include "python/values_int.h"

/* ---- what was asked for ---- */

static bool is_letter(char c, bool first)
{
    return c == '_' || (unsigned char)c >= 0x80 || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

static bool take_text(struct gs_path_step *step, const char *text, size_t len)
{
    if (len == 0 || len >= sizeof step->text)
        return false;
    memcpy(step->text, text, len);
    step->text[len] = '\0';
    return true;
}

static const char *read_name(const char *at, struct gs_path_step *step)
{
    size_t len = 0;
    while (is_letter(at[len], len == 0))
        len++;
    step->kind = GS_PATH_NAME;
    return take_text(step, at, len) ? at + len : NULL;
}

/* What stands behind "[". */
static const char *read_item(const char *at, struct gs_path_step *step)
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

bool gs_path_read(const char *text, struct gs_path *path)
{
    *path = (struct gs_path){.count = 1};
    const char *at = read_name(text, &path->steps[0]);
    while (at && *at && path->count < GS_PATH_STEPS) {
        struct gs_path_step *step = &path->steps[path->count++];
        at = *at == '.' ? read_name(at + 1, step) : *at == '[' ? read_item(at + 1, step) : NULL;
    }
    return at && !*at;
}

bool gs_path_check(const char *text)
{
    struct gs_path path;
    return gs_path_read(text, &path);
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

static bool is_key(struct gs_repr *repr, const struct gs_path_step *step, gs_addr key)
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

static gs_addr find_in_dict(struct gs_repr *repr, const struct gs_path_step *step, gs_addr object)
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

static gs_addr find_in_array(struct gs_repr *repr, const struct gs_path_step *step, gs_addr object, bool list,
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

static gs_addr find_attribute(struct gs_repr *repr, const struct gs_path_step *step, const struct gs_type *type,
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

static gs_addr find(struct gs_repr *repr, const struct gs_path_step *step, gs_addr object, bool *secret)
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

gs_addr gs_path_follow(const struct gs_path *path, struct gs_repr *repr, gs_addr object, bool *secret)
{
    *secret = !repr->secrets && names_secret(path);
    for (size_t i = 1; i < path->count && object; i++)
        object = find(repr, &path->steps[i], object, secret);
    return object;
}
