/* Looks for PyMethodDef through all of a file's writable words: {name, function, flags, documentation}, the same from
 * 2.7 to 3.15 (Include/methodobject.h). Whose it is follows from what points to the first of a row of them: PyModuleDef
 * (Include/moduleobject.h), PyTypeObject (Include/object.h up to 3.8, cpython/object.h), or the slots of a PyType_Spec.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/room.h"
#include "elf/methods.h"
#include "elf/words.h"

enum {
    WORD = 8,
    METHOD_BYTES = 4 * WORD,
    METHODS_MAX = 1 << 16,
    SIZE_MOST = 1 << 24,     /* of an object, or of a module's state */
    MODULE_NAME = -3 * WORD, /* from m_methods: m_name, m_doc, m_size */
    TYPE_NAME = -26 * WORD,  /* from tp_methods: tp_name, tp_basicsize, ... */
    SPEC_NAME = -3 * WORD,   /* from slots: name, basicsize and itemsize, flags */
    SLOTS_MOST = 100,
    SLOT_METHODS = 64 /* Py_tp_methods (Include/typeslots.h) */
};

struct method {
    uint64_t at, function;
    const char *name, *owner; /* in the words */
};

struct search {
    struct gs_words words;
    struct method *list; /* by `at` */
    size_t count, room;
};

/* METH_VARARGS and so on, alone or as they may be combined, besides METH_CLASS, METH_STATIC and METH_COEXIST. */
static bool is_convention(uint64_t flags)
{
    static const uint16_t conventions[] = {0x01, 0x02, 0x03, 0x04, 0x08, 0x80, 0x82, 0x282};
    bool found = false;
    for (size_t i = 0; i < sizeof conventions / sizeof *conventions && !found; i++)
        found = (flags & ~UINT64_C(0x70)) == conventions[i];
    return found;
}

static bool is_method(const struct gs_words *words, uint64_t at, struct method *method)
{
    uint64_t flags = gs_words_at(words, at + 2 * WORD), doc = gs_words_at(words, at + 3 * WORD);
    if (!is_convention(flags))
        return false;
    method->at = at;
    method->function = gs_words_at(words, at + WORD);
    if (!gs_words_is_code(words, method->function) || (doc && !gs_words_has(words, doc)))
        return false;
    method->name = gs_words_name(words, gs_words_at(words, at));
    method->owner = NULL;
    return method->name != NULL;
}

/* Of all writable ones; false as soon as visit is. */
static bool each_word(struct search *search, bool (*visit)(struct search *search, uint64_t at))
{
    for (size_t p = 0; p < search->words.count; p++) {
        const struct gs_words_part *part = &search->words.parts[p];
        uint64_t end = part->addr + part->len;
        for (uint64_t at = (part->addr + WORD - 1) & -(uint64_t)WORD; part->data && at < end; at += WORD) {
            if (!visit(search, at))
                return false;
        }
    }
    return true;
}

static bool find_method(struct search *search, uint64_t at)
{
    struct method found;
    if (!is_method(&search->words, at, &found) || search->count >= METHODS_MAX)
        return true;
    if (!gs_room((void **)&search->list, &search->room, search->count + 1, sizeof *search->list))
        return false;
    search->list[search->count++] = found;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct method *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static struct method *method_at(const struct search *search, uint64_t at)
{
    struct method wanted = {.at = at};
    if (search->count == 0 || at < search->list[0].at || at > search->list[search->count - 1].at)
        return NULL;
    return bsearch(&wanted, search->list, search->count, sizeof wanted, by_place);
}

static bool is_size(uint64_t word)
{
    return word + 1 <= SIZE_MOST; /* -1, too */
}

/* The name of what has a pointer to methods at `at`; NULL: it is neither a module nor a type. */
static const char *owner_of(const struct gs_words *words, uint64_t at)
{
    const char *name = gs_words_name(words, gs_words_at(words, at + (uint64_t)MODULE_NAME));
    uint64_t doc = gs_words_at(words, at - 2 * WORD);
    if (name && is_size(gs_words_at(words, at - WORD)) && (!doc || gs_words_has(words, doc)))
        return name;
    name = gs_words_name(words, gs_words_at(words, at + (uint64_t)TYPE_NAME));
    bool sized = is_size(gs_words_at(words, at + (uint64_t)TYPE_NAME + WORD)) &&
                 is_size(gs_words_at(words, at + (uint64_t)TYPE_NAME + 2 * WORD));
    return sized ? name : NULL;
}

/* The word at `at` may point to the slots of a type. */
static void try_slots(struct search *search, uint64_t at)
{
    const struct gs_words *words = &search->words;
    uint64_t slots = gs_words_at(words, at), first = slots ? gs_words_at(words, slots) : 0;
    if (first == 0 || first > SLOTS_MOST || gs_words_at(words, at - WORD) > UINT32_MAX)
        return;
    const char *name = gs_words_name(words, gs_words_at(words, at + (uint64_t)SPEC_NAME));
    for (uint64_t i = 0; name && i < SLOTS_MOST; i++) {
        uint64_t number = gs_words_at(words, slots + i * 2 * WORD);
        struct method *method =
            number == SLOT_METHODS ? method_at(search, gs_words_at(words, slots + (2 * i + 1) * WORD)) : NULL;
        if (method)
            method->owner = name;
        if (number == 0 || number > SLOTS_MOST)
            return;
    }
}

static bool find_owner(struct search *search, uint64_t at)
{
    struct method *method = method_at(search, gs_words_at(&search->words, at));
    const char *owner = method ? owner_of(&search->words, at) : NULL;
    if (owner)
        method->owner = owner;
    else if (!method)
        try_slots(search, at);
    return true;
}

static void find_owners(struct search *search)
{
    each_word(search, find_owner);
    for (size_t i = 1; i < search->count; i++) {
        struct method *method = &search->list[i];
        if (!method->owner && method[-1].at + METHOD_BYTES == method->at)
            method->owner = method[-1].owner;
    }
}

static bool add(struct gs_symtab *symtab, const struct method *method)
{
    char name[512];
    snprintf(name, sizeof name, "%s%s%s%s", method->owner ? method->owner : "", method->owner ? "." : "", method->name,
             method->owner ? "" : "()");
    return gs_symtab_put(symtab, method->function, 0, name, true);
}

bool gs_methods_add(struct gs_symtab *symtab, int fd, bool orphans)
{
    struct search search = {.count = 0};
    if (!gs_words_open(&search.words, fd))
        return true;
    bool ok = each_word(&search, find_method);
    if (ok && search.count > 0) {
        qsort(search.list, search.count, sizeof *search.list, by_place);
        find_owners(&search);
    }
    for (size_t i = 0; i < search.count && ok; i++) {
        if (search.list[i].owner || orphans)
            ok = add(symtab, &search.list[i]);
    }
    free(search.list);
    gs_words_fini(&search.words);
    return ok;
}
