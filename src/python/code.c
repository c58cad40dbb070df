/* All code objects seen in one process, by address.
 *
 * Who may hold a `const struct gs_code *`: whoever got it, until the next gs_codes_check. That call frees what it
 * forgets, strings included; so callers keep addresses (as gs_frame does) and ask gs_codes_find again, and copy the
 * text that has to outlive it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mem/metered.h"
#include "python/classes.h"
#include "python/code_read.h"
#include "python/held.h"

enum {
    BATCH = 512,
    PARTS = 3, /* that are read of each: itself, and the heads of its name and its file */
    FIRST_SLOTS = 256,
    COPIES = 1024,
    LEFT = 4096,
    INFER_READS = 8192, /* for one name */
    /* What was seen is believed for a share of the time for which it is known (most that are freed soon are freed very
     * soon), but for no longer than the most, nor shorter than the least, which matters at 20 kHz and above. Where
     * none was ever freed, which is usual, the share is larger: to look again costs as much as to read a stack. */
    BELIEF_SHARE = 256,
    CALM_SHARE = 64,
    BELIEF_LEAST_NS = 50000,
    BELIEF_MOST_NS = 200000000
};
/* Of all that is kept: a target that makes code objects for ever makes us forget, not grow. */
#define MAX_BYTES ((size_t)192 << 20)

struct slot {
    gs_addr addr; /* 0: empty */
    struct gs_code *code;
};

/* Where a thread's own copy of a code object's bytecode begins. */
struct copy {
    gs_addr code; /* 0: empty */
    gs_addr start;
    uint32_t number;
};

struct gs_codes {
    struct slot *slots;
    size_t mask; /* number of slots - 1, a power of 2 - 1 */
    size_t count;
    size_t bytes;
    uint64_t read, forgotten, renewed; /* how many so far */
    bool left[LEFT];                   /* addresses at which something was forgotten, some others with them */
    size_t span;
    uint8_t *batch; /* what is read of BATCH of them while checking */
    struct gs_python *python;
    struct gs_types types;
    struct gs_code_strings strings;
    struct copy copies[COPIES]; /* those met lately */
    struct gs_mem *pages;       /* NULL: no name was inferred yet */
};

/* Objects are 8- or 16-byte aligned: the high bits of the product mix all of the address. */
static size_t slot_of(const struct gs_codes *codes, gs_addr addr)
{
    return (size_t)(addr * UINT64_C(0x9e3779b97f4a7c15) >> 32) & codes->mask;
}

/* Whether some code object at this address was forgotten; a few others are marked with it. */
static bool *left_at(struct gs_codes *codes, gs_addr addr)
{
    return &codes->left[(addr * UINT64_C(0x9e3779b97f4a7c15) >> 40) % LEFT];
}

static size_t weight(const struct gs_code *code)
{
    size_t names = strlen(code->function) + strlen(code->file) + (code->qualname ? strlen(code->qualname) : 0);
    size_t marks = code->mark_count * sizeof *code->marks;
    return sizeof *code + 2 * sizeof(struct slot) + code->line_bytes + marks + names;
}

struct gs_codes *gs_codes_new(struct gs_python *python)
{
    struct gs_codes *codes = calloc(1, sizeof *codes);
    if (!codes)
        return NULL;
    codes->python = python;
    codes->span = gs_code_span(&python->layout);
    codes->mask = FIRST_SLOTS - 1;
    codes->slots = calloc(FIRST_SLOTS, sizeof *codes->slots);
    codes->batch = malloc(BATCH * (codes->span + 2 * sizeof(struct gs_code_mark)));
    if (!codes->slots || !codes->batch) {
        gs_codes_free(codes);
        return NULL;
    }
    return codes;
}

static void forget(struct gs_codes *codes, struct slot *slot)
{
    codes->bytes -= weight(slot->code);
    codes->count--;
    codes->forgotten++;
    *left_at(codes, slot->addr) = true;
    gs_code_fini(slot->code, &codes->strings);
    free(slot->code);
    *slot = (struct slot){0};
}

static void forget_all(struct gs_codes *codes)
{
    for (size_t i = 0; i <= codes->mask; i++) {
        if (codes->slots[i].addr)
            forget(codes, &codes->slots[i]);
    }
}

void gs_codes_free(struct gs_codes *codes)
{
    if (!codes)
        return;
    if (codes->slots)
        forget_all(codes);
    gs_code_strings_fini(&codes->strings);
    gs_mem_free(codes->pages);
    free(codes->slots);
    free(codes->batch);
    free(codes);
}

/* NULL: it is not known. */
static struct slot *find_slot(const struct gs_codes *codes, gs_addr addr)
{
    for (size_t i = slot_of(codes, addr);; i = (i + 1) & codes->mask) {
        struct slot *slot = &codes->slots[i];
        if (slot->addr == addr || slot->addr == 0)
            return slot->addr ? slot : NULL;
    }
}

const struct gs_code *gs_codes_find(const struct gs_codes *codes, gs_addr addr)
{
    const struct slot *slot = find_slot(codes, addr);
    return slot ? slot->code : NULL;
}

static void put(struct gs_codes *codes, struct slot entry)
{
    size_t i = slot_of(codes, entry.addr);
    while (codes->slots[i].addr)
        i = (i + 1) & codes->mask;
    codes->slots[i] = entry;
}

/* Puts every known code object into a fresh table of `count` slots. */
static bool rehash(struct gs_codes *codes, size_t count)
{
    struct slot *old = codes->slots, *slots = calloc(count, sizeof *slots);
    size_t old_mask = codes->mask;
    if (!slots)
        return false;
    codes->slots = slots;
    codes->mask = count - 1;
    for (size_t i = 0; i <= old_mask; i++) {
        if (old[i].addr)
            put(codes, old[i]);
    }
    free(old);
    return true;
}

/* Chains of collisions have holes where something was forgotten: they are closed by filling the table anew. Returns how
 * many were forgotten because there was no memory for that. */
static size_t close_holes(struct gs_codes *codes)
{
    size_t count = codes->count;
    if (rehash(codes, codes->mask + 1))
        return 0;
    forget_all(codes);
    return count;
}

static enum gs_status learn(struct gs_codes *codes, gs_addr addr, struct gs_code **result)
{
    if (codes->bytes > MAX_BYTES)
        return GS_NO_MEMORY;
    if (codes->count * 2 > codes->mask && !rehash(codes, (codes->mask + 1) * 2))
        return GS_NO_MEMORY;
    struct gs_code *code = malloc(sizeof *code);
    if (!code)
        return GS_NO_MEMORY;
    enum gs_status status = gs_code_read(codes->python, &codes->types, &codes->strings, addr, code);
    if (status) {
        free(code);
        return status;
    }
    code->serial = ++codes->read;
    code->read_ns = code->seen_ns = gs_clock_ns();
    put(codes, (struct slot){addr, code});
    codes->count++;
    codes->bytes += weight(code);
    codes->renewed += *left_at(codes, addr);
    *result = code;
    return GS_OK;
}

uint64_t gs_codes_renewed(const struct gs_codes *codes)
{
    return codes->renewed;
}

uint64_t gs_codes_generation(const struct gs_codes *codes)
{
    return codes->forgotten;
}

const struct gs_code *gs_codes_get(struct gs_codes *codes, gs_addr addr, enum gs_status *why)
{
    const struct gs_code *known = addr ? gs_codes_find(codes, addr) : NULL;
    struct gs_code *code = NULL;
    *why = GS_OK;
    if (known)
        return known;
    *why = learn(codes, addr, &code);
    return code;
}

/* co_tlbc points to an array of copies, the first of which is the code object's own (Include/cpython/code.h,
 * _PyCodeArray). It is replaced when it gets too short, and a number is used again when its thread has ended. */
static gs_addr read_copy(struct gs_codes *codes, gs_addr code, uint32_t number)
{
    const struct gs_layout *layout = &codes->python->layout;
    struct gs_mem *mem = codes->python->mem;
    gs_addr array, start;
    uint64_t size;
    if (layout->co_tlbc == GS_ABSENT || layout->ca_size == GS_ABSENT || layout->ca_entries == GS_ABSENT ||
        gs_mem_read_addr(mem, code + (gs_addr)layout->co_tlbc, &array) || array == 0 ||
        gs_mem_read_addr(mem, array + (gs_addr)layout->ca_size, &size) || number >= size ||
        gs_mem_read_addr(mem, array + (gs_addr)layout->ca_entries + sizeof start * (gs_addr)number, &start))
        return 0;
    return start;
}

gs_addr gs_codes_copy(struct gs_codes *codes, gs_addr code, uint32_t number, bool anew)
{
    struct copy *known = &codes->copies[((code >> 4) + number * 31) % COPIES];
    if (anew || known->code != code || known->number != number)
        *known = (struct copy){code, read_copy(codes, code, number), number};
    return known->start;
}

void gs_codes_infer(struct gs_codes *codes, gs_addr addr, gs_addr frame, gs_addr first)
{
    const struct gs_layout *layout = &codes->python->layout;
    struct slot *slot = layout->co_qualname == GS_ABSENT ? find_slot(codes, addr) : NULL;
    char name[GS_CLASS_NAME];
    uint64_t left = INFER_READS;
    struct gs_metered metered;
    struct gs_variable variable;
    size_t count = 0;
    if (!slot || slot->code->inferred)
        return;
    struct gs_code *code = slot->code;
    code->inferred = true;
    if (code->arg_count < 1 || (!codes->pages && !(codes->pages = gs_mem_cache_new(codes->python->mem))))
        return;
    gs_metered_init(&metered, codes->pages, &left);
    if (first == 0 && gs_locals_objects(codes->python, &metered.mem, frame, code, &variable, 1, &count) == GS_OK &&
        count > 0)
        first = variable.object;
    bool found = first != 0 && gs_class_of(layout, &metered.mem, first, code, name);
    gs_mem_cache_clear(codes->pages); /* it is of this moment, and there may be many processes */
    if (!found)
        return;
    codes->bytes -= weight(code);
    code->qualname = gs_code_string(&codes->strings, name);
    codes->bytes += weight(code);
}

static bool same_mark(const struct gs_piece *piece, const struct gs_code_mark *mark)
{
    return !piece->ok || memcmp(piece->dst, mark, sizeof *mark) == 0;
}

/* Reads `count` known code objects again and forgets those that are not what they were. */
static enum gs_status check_batch(struct gs_codes *codes, struct slot **slots, size_t count, size_t *forgotten)
{
    struct gs_piece pieces[PARTS * BATCH];
    struct gs_code_mark *marks = (struct gs_code_mark *)codes->batch;
    uint8_t *structs = codes->batch + 2 * BATCH * sizeof *marks;
    const struct gs_layout *layout = &codes->python->layout;
    for (size_t i = 0; i < count; i++) {
        struct gs_piece *parts = pieces + PARTS * i;
        parts[0] = (struct gs_piece){slots[i]->addr, structs + i * codes->span, (uint32_t)codes->span, false};
        parts[1] = gs_code_mark_piece(layout, slots[i]->code->name_addr, &marks[2 * i]);
        parts[2] = gs_code_mark_piece(layout, slots[i]->code->file_addr, &marks[2 * i + 1]);
    }
    enum gs_status status = gs_mem_read_many(codes->python->mem, pieces, PARTS * count);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++) {
        const struct gs_piece *parts = pieces + PARTS * i;
        const struct gs_code *code = slots[i]->code;
        if (parts[0].ok && gs_code_same(codes->python, code, parts[0].dst) && same_mark(&parts[1], &code->name_mark) &&
            same_mark(&parts[2], &code->file_mark))
            continue;
        forget(codes, slots[i]);
        ++*forgotten;
    }
    return GS_OK;
}

size_t gs_codes_check(struct gs_codes *codes)
{
    struct slot *slots[BATCH];
    size_t count = 0, forgotten = 0;
    memset(codes->copies, 0, sizeof codes->copies);
    if (codes->bytes > MAX_BYTES) {
        forgotten = codes->count;
        forget_all(codes);
        return forgotten;
    }
    for (size_t i = 0; i <= codes->mask; i++) {
        if (codes->slots[i].addr)
            slots[count++] = &codes->slots[i];
        if (count == 0 || (count < BATCH && i < codes->mask))
            continue;
        if (check_batch(codes, slots, count, &forgotten))
            break;
        count = 0;
    }
    if (forgotten > 0)
        forgotten += close_holes(codes);
    return forgotten;
}

static uint64_t belief_ns(const struct gs_codes *codes, const struct gs_code *code, uint64_t now_ns)
{
    uint64_t share = codes->forgotten > 0 ? BELIEF_SHARE : CALM_SHARE;
    uint64_t share_ns = now_ns > code->read_ns ? (now_ns - code->read_ns) / share : 0;
    share_ns = share_ns > BELIEF_LEAST_NS ? share_ns : BELIEF_LEAST_NS;
    return share_ns < BELIEF_MOST_NS ? share_ns : BELIEF_MOST_NS;
}

void gs_codes_confirm(struct gs_codes *codes, const gs_addr *addrs, size_t count, uint64_t now_ns)
{
    struct slot *slots[GS_CODES_TOGETHER];
    size_t open = 0, forgotten = 0;
    for (size_t i = 0; i < count && i < GS_CODES_TOGETHER; i++) {
        struct slot *slot = find_slot(codes, addrs[i]);
        if (!slot)
            continue;
        struct gs_code *code = slot->code;
        if (code->seen_ns >= now_ns || now_ns - code->seen_ns < belief_ns(codes, code, now_ns))
            continue;
        code->seen_ns = now_ns;
        slots[open++] = slot;
    }
    if (open == 0 || check_batch(codes, slots, open, &forgotten) || forgotten == 0)
        return;
    close_holes(codes);
    enum gs_status why;
    for (size_t i = 0; i < count; i++)
        (void)gs_codes_get(codes, addrs[i], &why);
}
