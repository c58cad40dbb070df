/* The format pstats, as cProfile writes it: for Python's pstats, SnakeViz and gprof2dot. A dictionary of functions in
 * the form of marshal: (file, line, name): (cc, nc, tt, ct, {caller: (nc, cc, tt, ct)}), as CPython 3.14 has it in
 * Lib/cProfile.py (snapshot_stats), Modules/_lsprof.c and Python/marshal.c. Time in which a function does without the
 * GIL is that of a built-in function which it calls then, so that what is its own is what it did with it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/least.h"
#include "export/callgraph.h"
#include "export/formats.h"
#include "export/tree_sink.h"

enum { AT_LOCK = GS_UNKNOWN + 1 };

/* What a function calls when it has no GIL. */
static const struct {
    int word; /* AT_LOCK: it waits for a lock that is no GIL */
    const char *name;
} built_in[] = {{GS_WAITS, "<waits for the GIL>"},
                {GS_WITHOUT, "<without the GIL>"},
                {GS_UNKNOWN, "<unknown whether it has the GIL>"},
                {AT_LOCK, "<waits for a lock>"}};

enum { BUILT_IN = sizeof built_in / sizeof *built_in };

struct pstats {
    FILE *out;
    struct gs_graph graph;
    uint32_t *calls; /* sorted by the part that is called, then by the one that calls */
};

/* As one function, or one call of it, is told. */
struct entry {
    uint64_t own_samples, samples, own_ns, ns;
};

/* ---- marshal: little endian, types as in Python/marshal.c ---- */

static void put_bytes(FILE *out, uint64_t number, int count)
{
    for (; count > 0; count--, number >>= 8)
        putc_unlocked((int)(number & 0xff), out);
}

/* TYPE_INT, or TYPE_LONG in digits of 15 bits. */
static void put_number(FILE *out, uint64_t number)
{
    enum { DIGIT = 15 };
    uint32_t digits = 0;
    if (number <= INT32_MAX) {
        putc_unlocked('i', out);
        put_bytes(out, number, 4);
        return;
    }
    for (uint64_t rest = number; rest > 0; rest >>= DIGIT)
        digits++;
    putc_unlocked('l', out);
    put_bytes(out, digits, 4);
    for (; digits > 0; digits--, number >>= DIGIT)
        put_bytes(out, number & ((1U << DIGIT) - 1), 2);
}

/* TYPE_BINARY_FLOAT */
static void put_seconds(FILE *out, uint64_t ns)
{
    double seconds = (double)ns / 1e9;
    uint64_t bits;
    memcpy(&bits, &seconds, sizeof bits);
    putc_unlocked('g', out);
    put_bytes(out, bits, 8);
}

/* TYPE_UNICODE */
static void put_text(FILE *out, const char *text)
{
    size_t len = strlen(text);
    putc_unlocked('u', out);
    put_bytes(out, len, 4);
    fwrite(text, 1, len, out);
}

static void put_tuple(FILE *out, uint32_t count)
{
    putc_unlocked('(', out);
    put_bytes(out, count, 4);
}

static void put_end_of_dict(FILE *out)
{
    putc_unlocked('0', out);
}

/* ---- the dictionary ---- */

/* "~" is what pstats calls the file of what has none. */
static void put_key(FILE *out, const char *file, int32_t line, const char *name)
{
    put_tuple(out, 3);
    put_text(out, *file ? file : "~");
    put_number(out, (uint32_t)line);
    put_text(out, name);
}

static void put_part_key(const struct pstats *self, uint32_t number)
{
    const struct gs_graph_part *part = &self->graph.parts[number];
    put_key(self->out, part->file, part->line, part->name);
}

static uint64_t built_in_ns(const struct gs_cost *own, int number)
{
    int word = built_in[number].word;
    uint64_t ns = word == AT_LOCK ? own->lock_ns : own->word_ns[word];
    return word == GS_WITHOUT ? ns - gs_least(own->lock_ns, ns) : ns;
}

/* What is no frame has no time apart from its own. */
static uint64_t apart_ns(const struct gs_graph_part *part, const struct gs_cost *own)
{
    uint64_t sum = 0;
    for (int i = 0; i < BUILT_IN && part->place; i++)
        sum += built_in_ns(own, i);
    return sum;
}

static struct entry entry_of(const struct gs_graph_part *part, const struct gs_cost *own, const struct gs_cost *whole)
{
    return (struct entry){.own_samples = own->samples,
                          .samples = whole->samples,
                          .own_ns = gs_cost_ns(own) - apart_ns(part, own),
                          .ns = gs_cost_ns(whole)};
}

/* (nc, cc, tt, ct) */
static void put_call(const struct pstats *self, const struct entry *entry)
{
    put_tuple(self->out, 4);
    put_number(self->out, entry->samples);
    put_number(self->out, entry->own_samples);
    put_seconds(self->out, entry->own_ns);
    put_seconds(self->out, entry->ns);
}

/* (cc, nc, tt, ct, and the callers are to come) */
static void put_entry(const struct pstats *self, const struct entry *entry)
{
    put_tuple(self->out, 5);
    put_number(self->out, entry->own_samples);
    put_number(self->out, entry->samples);
    put_seconds(self->out, entry->own_ns);
    put_seconds(self->out, entry->ns);
    putc_unlocked('{', self->out);
}

static uint32_t callee_of(const struct pstats *self, uint32_t at)
{
    return self->graph.sites[self->graph.calls[self->calls[at]].callee].part;
}

static uint32_t caller_of(const struct pstats *self, uint32_t at)
{
    return self->graph.sites[self->graph.calls[self->calls[at]].caller].part;
}

/* Calls of the same function from several lines are one. Returns where the calls of the next function begin. */
static uint32_t put_callers(const struct pstats *self, uint32_t number, uint32_t at)
{
    while (at < self->graph.call_count && callee_of(self, at) == number) {
        uint32_t caller = caller_of(self, at);
        struct gs_cost own = {0}, whole = {0};
        for (; at < self->graph.call_count && callee_of(self, at) == number && caller_of(self, at) == caller; at++) {
            gs_cost_add(&own, &self->graph.calls[self->calls[at]].own);
            gs_cost_add(&whole, &self->graph.calls[self->calls[at]].whole);
        }
        struct entry entry = entry_of(&self->graph.parts[number], &own, &whole);
        put_part_key(self, caller);
        put_call(self, &entry);
    }
    return at;
}

static void put_parts(const struct pstats *self)
{
    uint32_t call = 0;
    for (uint32_t i = 0; i < self->graph.part_count; i++) {
        const struct gs_graph_part *part = &self->graph.parts[i];
        struct entry entry = entry_of(part, &part->own, &part->whole);
        put_part_key(self, i);
        put_entry(self, &entry);
        call = put_callers(self, i, call);
        put_end_of_dict(self->out);
    }
}

/* Whose own time of this word makes the time of a built-in function. */
static void put_built_in(const struct pstats *self, int number)
{
    struct entry sum = {0};
    for (uint32_t i = 0; i < self->graph.part_count; i++)
        sum.ns += self->graph.parts[i].place ? built_in_ns(&self->graph.parts[i].own, number) : 0;
    if (sum.ns == 0)
        return;
    sum.own_ns = sum.ns;
    put_key(self->out, "", 0, built_in[number].name);
    put_entry(self, &sum);
    for (uint32_t i = 0; i < self->graph.part_count; i++) {
        const struct gs_graph_part *part = &self->graph.parts[i];
        uint64_t ns = part->place ? built_in_ns(&part->own, number) : 0;
        if (ns == 0)
            continue;
        put_part_key(self, i);
        put_call(self, &(struct entry){.own_ns = ns, .ns = ns});
    }
    put_end_of_dict(self->out);
}

/* pstats refuses an empty dictionary. */
static void put_nothing(const struct pstats *self)
{
    put_key(self->out, "", 0, "<no thread counts>");
    put_entry(self, &(struct entry){0});
    put_end_of_dict(self->out);
}

static int by_callee(const void *left, const void *right, void *context)
{
    const struct pstats *self = context;
    const struct gs_call_site *sites = self->graph.sites;
    const struct gs_graph_call *a = &self->graph.calls[*(const uint32_t *)left],
                               *b = &self->graph.calls[*(const uint32_t *)right];
    uint32_t to_a = sites[a->callee].part, to_b = sites[b->callee].part;
    uint32_t from_a = sites[a->caller].part, from_b = sites[b->caller].part;
    return to_a != to_b ? (to_a > to_b) - (to_a < to_b) : (from_a > from_b) - (from_a < from_b);
}

static enum gs_status draw(const struct gs_tree_drawing *drawing)
{
    struct pstats self = {.out = drawing->out};
    enum gs_status status = gs_graph_make(&self.graph, drawing->tree, false);
    self.calls = calloc((size_t)self.graph.call_count + 1, sizeof *self.calls);
    if (status == GS_OK && !self.calls)
        status = GS_NO_MEMORY;
    if (status == GS_OK) {
        for (uint32_t i = 0; i < self.graph.call_count; i++)
            self.calls[i] = i;
        qsort_r(self.calls, self.graph.call_count, sizeof *self.calls, by_callee, &self);
        putc_unlocked('{', self.out);
        put_parts(&self);
        for (int i = 0; i < BUILT_IN; i++)
            put_built_in(&self, i);
        if (self.graph.part_count == 0)
            put_nothing(&self);
        put_end_of_dict(self.out);
    }
    gs_graph_fini(&self.graph);
    free(self.calls);
    return status;
}

static enum gs_status open_pstats(struct gs_sink **sink, FILE *out, const struct gs_selection *selection)
{
    return gs_tree_sink_open(sink, out, selection, &(struct gs_calltree_options){.most = GS_CALLTREE_MOST}, draw);
}

const struct gs_format gs_format_pstats = {
    .name = "pstats",
    .extensions = ".pstats .prof",
    .summary = "for Python's pstats, SnakeViz and gprof2dot",
    .how = "Read it with python3 -m pstats",
    .open = open_pstats,
    .close = gs_tree_sink_close,
};
