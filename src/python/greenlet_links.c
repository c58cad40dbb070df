/* The objects are of compiled classes, whose fields have no names outside. But a list, or a deque, that has methods of
 * greenlets, or of what waits for one, is the list of these whatever field it is in.
 * Sources: gevent 22.10 to 26.9: _abstract_linkable.py, event.py, _semaphore.py, queue.py, _waiter.py, greenlet.py;
 * Modules/_collectionsmodule.c (3.7 to 3.15). */
#include <string.h>

#include "python/greenlet_links.h"
#include "python/locks.h"

enum {
    WORDS_MOST = 64,      /* of an object that are looked at */
    LINKS_MOST = 1 << 12, /* of a list */
    BLOCK = 64            /* of a deque: so many items between the links to its neighbours */
};

struct looking {
    struct gs_awaits *awaits;
    gs_greenlet_found *found;
    void *context;
};

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

enum gs_await_kind gs_greenlet_awaited(const char *type_name)
{
    static const struct {
        const char *name;
        enum gs_await_kind kind;
    } known[] = {{"Event", GS_AWAIT_EVENT},         {"AsyncResult", GS_AWAIT_EVENT},
                 {"Semaphore", GS_AWAIT_LOCK},      {"BoundedSemaphore", GS_AWAIT_LOCK},
                 {"Queue", GS_AWAIT_QUEUE},         {"SimpleQueue", GS_AWAIT_QUEUE},
                 {"PriorityQueue", GS_AWAIT_QUEUE}, {"LifoQueue", GS_AWAIT_QUEUE},
                 {"JoinableQueue", GS_AWAIT_QUEUE}, {"Channel", GS_AWAIT_QUEUE}};
    for (size_t i = 0; i < sizeof known / sizeof *known && strncmp(type_name, "gevent.", 7) == 0; i++) {
        if (strcmp(last_part(type_name), known[i].name) == 0)
            return known[i].kind;
    }
    return GS_AWAIT_NOTHING;
}

/* The words of an object behind its head; how many. */
static size_t read_words(struct looking *l, gs_addr object, gs_addr words[WORDS_MOST])
{
    const struct gs_layout *layout = l->awaits->layout;
    struct gs_type type;
    if (!gs_type_of(&l->awaits->types, layout, l->awaits->mem, object, &type) || type.basic_size < layout->head_bytes ||
        type.basic_size > layout->head_bytes + 8 * WORDS_MOST)
        return 0;
    size_t count = (size_t)(type.basic_size - layout->head_bytes) / 8;
    return count > 0 && gs_mem_read(l->awaits->mem, object + (gs_addr)layout->head_bytes, words, 8 * count) == GS_OK
               ? count
               : 0;
}

/* Something that is to be called: the method of a greenlet, or of a Waiter, which refers to one. */
static void look_at_link(struct looking *l, gs_addr link)
{
    const struct gs_layout *layout = l->awaits->layout;
    gs_addr words[WORDS_MOST], self = gs_method_self(layout, l->awaits->mem, &l->awaits->types, link);
    struct gs_type type;
    char name[64];
    if (self == 0 || !gs_type_of(&l->awaits->types, layout, l->awaits->mem, self, &type) ||
        gs_mem_read_cstr(l->awaits->mem, type.name, name, sizeof name))
        return;
    size_t len = strlen(name);
    if (len < 6 || strcmp(name + len - 6, "Waiter") != 0) {
        l->found(l->context, self, false);
        return;
    }
    size_t count = read_words(l, self, words);
    for (size_t i = 0; i < count; i++)
        l->found(l->context, words[i], strcmp(last_part(name), "ItemWaiter") == 0);
}

static void look_at_list(struct looking *l, gs_addr list)
{
    const struct gs_layout *layout = l->awaits->layout;
    gs_addr items, link;
    uint64_t count;
    if (gs_mem_read_addr(l->awaits->mem, list + (gs_addr)layout->ob_size, &count) ||
        gs_mem_read_addr(l->awaits->mem, list + (gs_addr)layout->list_items, &items))
        return;
    for (uint64_t i = 0; i < count && i < LINKS_MOST; i++) {
        if (gs_mem_read_addr(l->awaits->mem, items + 8 * i, &link))
            return;
        look_at_link(l, link);
    }
}

/* dequeobject: {ob_size, leftblock, rightblock, leftindex, ...}; a block: {leftlink, 64 items, rightlink}. */
static void look_at_deque(struct looking *l, gs_addr deque)
{
    gs_addr head[4], link, size = deque + (gs_addr)l->awaits->layout->ob_size;
    if (gs_mem_read(l->awaits->mem, size, head, sizeof head))
        return;
    uint64_t index = head[3];
    gs_addr block = head[1];
    for (uint64_t i = 0; i < head[0] && i < LINKS_MOST && index < BLOCK && block != 0; i++) {
        if (gs_mem_read_addr(l->awaits->mem, block + 8 * (index + 1), &link))
            return;
        look_at_link(l, link);
        if (++index == BLOCK) {
            index = 0;
            if (gs_mem_read_addr(l->awaits->mem, block + 8 * (gs_addr)(BLOCK + 1), &block))
                return;
        }
    }
}

void gs_greenlet_links(struct gs_awaits *awaits, gs_addr waited, gs_greenlet_found *found, void *context)
{
    struct looking l = {awaits, found, context};
    gs_addr words[WORDS_MOST];
    struct gs_type type;
    size_t count = read_words(&l, waited, words);
    for (size_t i = 0; i < count; i++) {
        if (words[i] % 8 != 0 || !gs_type_of(&awaits->types, awaits->layout, awaits->mem, words[i], &type))
            continue;
        if (gs_type_has(&type, GS_TYPE_LIST))
            look_at_list(&l, words[i]);
        else if (gs_type_named(&type, awaits->mem, "collections.deque"))
            look_at_deque(&l, words[i]);
    }
}
