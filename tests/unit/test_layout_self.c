/* The layout that a target describes itself: real tables of three versions, and what is refused of hostile ones. */
#include <stdio.h>
#include <string.h>

#include "arch/arch.h"
#include "gilspy/layout.h"
#include "support/mem_fake.h"
#include "support/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { RUNTIME = 0x560000 };

/* _Py_DebugOffsets as three releases carry them, from the third entry (free_threaded) on. */
static const uint64_t self_3_13[] = {
    0,   283408, 608, 632, 194984, 7272, 7264, 7344, 7400, 7656, 7640, 7648, 16, 7752, 0,   7768, 7760, 312,
    0,   8,      16,  72,  152,    160,  232,  32,   80,   8,    0,    56,   72, 70,   208, 112,  120,  128,
    136, 68,     52,  96,  104,    200,  16,   8,    416,  24,   88,   168,  32, 24,   16,  40,   24,   16,
    48,  32,     40,  24,  16,     32,   16,   24,   40,   16,   32,   64,   32, 16,   40,  240,  200};
static const uint64_t self_3_14[] = {
    0,   316616, 784, 808, 225864, 7280, 7272, 7344, 7360, 7408, 7688, 7672, 7680, 16,   7784, 0,   7800, 7792, 7992,
    0,   832,    0,   8,   16,     72,   152,  160,  232,  32,   88,   8,    0,    56,   80,   74,  64,   0,    216,
    112, 120,    128, 136, 68,     52,   96,   104,  208,  0,    16,   8,    416,  24,   88,   168, 40,   32,   16,
    40,  24,     16,  200, 24,     40,   32,   48,   32,   40,   24,   16,   32,   16,   24,   40,  16,   32,   64,
    32,  16,     40,  264, 192,    160,  24,   72,   67,   0,    8,    24,   304,  8076, 0,    4,   512};
static const uint64_t self_3_15[] = {
    0,    346568, 912, 936, 226240, 7272, 7264, 7336, 7352, 7400, 7592, 7576, 7584, 16, 7736, 0,   7752, 7744, 7944,
    0,    888,    0,   8,   16,     72,   80,   88,   96,   176,  184,  256,  32,   36, 40,   136, 288,  0,    88,
    8,    0,      56,  80,  74,     64,   0,    216,  112,  120,  128,  136,  68,   52, 96,   104, 208,  0,    16,
    8,    424,    24,  88,  168,    32,   288,  944,  888,  40,   32,   16,   40,   24, 16,   200, 24,   40,   32,
    48,   32,     40,  24,  16,     32,   16,   24,   40,   16,   32,   64,   32,   16, 40,   56,  176,  112,  120,
    1120, 104,    160, 24,  72,     67,   0,    8,    24,   344,  8028, 0,    4,    512};

static const struct self {
    uint32_t version;
    const uint64_t *words;
    size_t count;
} selves[] = {{0x030d12f0, self_3_13, COUNT(self_3_13)},
              {0x030e0af0, self_3_14, COUNT(self_3_14)},
              {0x030f02f0, self_3_15, COUNT(self_3_15)}};

static gs_addr at(size_t word)
{
    return RUNTIME + word * sizeof(uint64_t);
}

static struct gs_mem *self_mem(const struct self *self)
{
    struct gs_mem *mem = mem_fake_new();
    memcpy(mem_fake_map(mem, RUNTIME, (self->count + 2) * sizeof(uint64_t)), "xdebugpy", 8);
    mem_fake_put64(mem, at(1), self->version);
    for (size_t i = 0; i < self->count; i++)
        mem_fake_put64(mem, at(2 + i), self->words[i]);
    return mem;
}

static enum gs_status self_status(struct gs_mem *mem, struct gs_err *err)
{
    struct gs_layout layout;
    return gs_layout_from_target(&layout, mem, RUNTIME, 0, err);
}

static struct gs_layout table(uint32_t version)
{
    struct gs_layout layout;
    struct gs_err err = {0};
    assert_int_equal(gs_layout_from_table(&layout, version, 0, &err), GS_OK);
    return layout;
}

UNIT_TEST(test_self_equals_table)
{
    static const size_t behind[] = {offsetof(struct gs_layout, ts_running_loop),
                                    offsetof(struct gs_layout, ts_running_task),
                                    offsetof(struct gs_layout, ts_tasks_head)};
    for (size_t i = 0; i < COUNT(selves); i++) {
        struct gs_mem *mem = self_mem(&selves[i]);
        struct gs_layout layout, known = table(selves[i].version);
        struct gs_err err = {0};
        assert_int_equal(gs_layout_from_target(&layout, mem, RUNTIME, 0, &err), GS_OK);
        assert_true(layout.self_described);
        assert_int_equal(layout.rt_size, selves[i].words[1]);
        known.self_described = true;
        /* Sizes of whole structs differ between micro versions, and what lies behind the thread state with its. */
        for (size_t k = 0; k < COUNT(behind); k++) {
            int32_t *field = (int32_t *)(void *)((char *)&known + behind[k]);
            *field += *field == GS_ABSENT ? 0 : layout.ts_size - known.ts_size;
        }
        known.rt_size = layout.rt_size;
        known.is_size = layout.is_size;
        known.ts_size = layout.ts_size;
        assert_memory_equal(&layout, &known, sizeof layout);
        gs_mem_free(mem);
    }
}

/* The target wins over the table: that is what its own table is for. */
UNIT_TEST(test_self_wins)
{
    struct gs_mem *mem = self_mem(&selves[0]);
    struct gs_layout layout;
    mem_fake_put64(mem, at(5), 640);  /* interpreters_head */
    mem_fake_put64(mem, at(23), 80);  /* thread_state.current_frame */
    mem_fake_put64(mem, at(26), 240); /* thread_state.datastack_chunk */
    assert_int_equal(gs_layout_from_target(&layout, mem, RUNTIME, 0, NULL), GS_OK);
    assert_int_equal(layout.rt_interpreters_head, 640);
    assert_int_equal(layout.rt_interpreters_main, 648);
    assert_int_equal(layout.ts_current_frame, 80);
    assert_int_equal(layout.ts_datastack_chunk, 240);
    assert_int_equal(layout.ts_datastack_top, 248);
    gs_mem_free(mem);
}

/* What the target offers itself does not move with its neighbour. */
UNIT_TEST(test_self_offered_beside_moved)
{
    struct gs_mem *mem = self_mem(&selves[2]);
    struct gs_layout layout;
    mem_fake_put64(mem, at(33), 40); /* thread_state.status */
    assert_int_equal(gs_layout_from_target(&layout, mem, RUNTIME, 0, NULL), GS_OK);
    assert_int_equal(layout.ts_status, 40);
    assert_int_equal(layout.ts_holds_gil, 36);
    assert_int_equal(layout.ts_eval_breaker, 24);
    assert_int_equal(layout.ts_state, 56);
    gs_mem_free(mem);
}

/* 3.14 without the GIL: heads of 32 bytes, `enabled` before the rest of the lock. */
static void free_threaded_put(struct gs_mem *mem)
{
    mem_fake_put64(mem, at(2), 1);
    mem_fake_put64(mem, at(18), 7784 + 24); /* gil_runtime_state_locked */
    mem_fake_put64(mem, at(19), 7784 + 16); /* gil_runtime_state_holder */
    mem_fake_put64(mem, at(36), 78);        /* interpreter_frame.owner */
    mem_fake_put64(mem, at(38), 72);        /* interpreter_frame.tlbc_index */
    for (size_t i = 40; i <= 47; i++)       /* code_object: all but its size and co_code_adaptive */
        mem_fake_put64(mem, at(i), self_3_14[i - 2] + 16);
    mem_fake_put64(mem, at(39), 240);
    mem_fake_put64(mem, at(48), 232);
    mem_fake_put64(mem, at(49), 224); /* co_tlbc */
    mem_fake_put64(mem, at(50), 32);  /* pyobject */
    mem_fake_put64(mem, at(51), 24);
}

UNIT_TEST(test_free_threaded)
{
    struct gs_mem *mem = self_mem(&selves[1]);
    struct gs_layout layout;
    free_threaded_put(mem);
    assert_int_equal(gs_layout_from_target(&layout, mem, RUNTIME, 0, NULL), GS_OK);
    assert_true(layout.free_threaded);
    assert_int_equal(layout.head_bytes, 32);
    assert_int_equal(layout.gil_enabled, 0);
    assert_int_equal(layout.gil_interval, 8);
    assert_int_equal(layout.gil_last_holder, 16);
    assert_int_equal(layout.gil_locked, 24);
    assert_int_equal(layout.gil_switch_number, 32);
    assert_int_equal(layout.gil_cond, 40);
    assert_int_equal(layout.gil_switch_mutex, 136 + GS_ARCH_MUTEX_BYTES);
    assert_int_equal(layout.gil_size, 136 + 2 * GS_ARCH_MUTEX_BYTES);
    assert_int_equal(layout.if_tlbc_index, 72);
    assert_int_equal(layout.co_tlbc, 224);
    assert_int_equal(layout.is_stop_world, GS_ABSENT);
    assert_int_equal(layout.ca_size, 0);
    assert_int_equal(layout.ca_entries, 8);
    assert_int_equal(layout.co_stacksize, 80);
    assert_int_equal(layout.co_nlocalsplus, 88);
    assert_int_equal(layout.tp_basicsize, 48);
    assert_int_equal(layout.ht_cached_keys, 896);
    assert_int_equal(layout.str_kind_shift, 8);
    assert_int_equal(layout.managed_dict, -8);
    static const struct {
        size_t word;
        uint64_t absurd, good;
    } rows[] = {{17, UINT64_MAX, 0}, {38, 74, 72}, {49, 240, 224}, {50, 16, 32}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        mem_fake_put64(mem, at(rows[i].word), rows[i].absurd);
        assert_int_equal(self_status(mem, NULL), GS_FAILED);
        mem_fake_put64(mem, at(rows[i].word), rows[i].good);
    }
    assert_int_equal(self_status(mem, NULL), GS_OK);
    gs_mem_free(mem);
}

UNIT_TEST(test_default_build_has_no_free_threaded_fields)
{
    struct gs_mem *mem = self_mem(&selves[2]);
    struct gs_layout layout;
    assert_int_equal(gs_layout_from_target(&layout, mem, RUNTIME, 0, NULL), GS_OK);
    assert_int_equal(layout.gil_enabled, GS_ABSENT);
    assert_int_equal(layout.if_tlbc_index, GS_ABSENT);
    assert_int_equal(layout.co_tlbc, GS_ABSENT);
    gs_mem_free(mem);
}

/* ---- hostile tables ---- */

/* The entries that a default build's layout takes nothing from: sysdict, builtins, tp_repr, what only free-threaded
 * builds fill in, generators, the debugger's own. They may say what they like. */
static const uint8_t unused_3_13[] = {12, 13, 16, 48, 55, 65, 71};
static const uint8_t unused_3_14[] = {10, 13, 14, 17, 20, 21, 38, 49, 54, 61, 75, 81,
                                      83, 84, 85, 86, 87, 88, 90, 91, 92, 93, 94};
static const uint8_t unused_3_15[] = {10, 13, 14, 17, 20, 21,  28,  29,  36,  37,  38,  46,  57,  62,  73, 87,
                                      94, 96, 97, 98, 99, 100, 101, 102, 103, 104, 106, 107, 108, 109, 110};
static const struct unused {
    const uint8_t *words;
    size_t count;
} unused[] = {{unused_3_13, COUNT(unused_3_13)}, {unused_3_14, COUNT(unused_3_14)}, {unused_3_15, COUNT(unused_3_15)}};

static bool is_unused(const struct unused *row, size_t word)
{
    for (size_t i = 0; i < row->count; i++)
        if (row->words[i] == word)
            return true;
    return false;
}

UNIT_TEST(test_absurd_values_are_refused)
{
    static const uint64_t absurd[] = {UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63, (uint64_t)1 << 32,
                                      INT32_MAX,  4 << 20,        16 << 20};
    for (size_t i = 0; i < COUNT(selves); i++) {
        struct gs_mem *mem = self_mem(&selves[i]);
        for (size_t word = 2; word < selves[i].count + 2; word++)
            for (size_t a = 0; a < COUNT(absurd) && !is_unused(&unused[i], word); a++) {
                struct gs_err err = {0};
                mem_fake_put64(mem, at(word), absurd[a]);
                if (self_status(mem, &err) != GS_FAILED)
                    fail_msg("3.%zu: word %zu was accepted as %#jx", 13 + i, word, (uintmax_t)absurd[a]);
                assert_non_null(strstr(err.what, "implausible"));
                mem_fake_put64(mem, at(word), selves[i].words[word - 2]);
            }
        assert_int_equal(self_status(mem, NULL), GS_OK);
        gs_mem_free(mem);
    }
}

static void refuse(struct gs_mem *mem, size_t word, uint64_t value, uint64_t good)
{
    mem_fake_put64(mem, at(word), value);
    if (self_status(mem, NULL) != GS_FAILED)
        fail_msg("word %zu was accepted as %ju", word, (uintmax_t)value);
    mem_fake_put64(mem, at(word), good);
    assert_int_equal(self_status(mem, NULL), GS_OK);
}

UNIT_TEST(test_bounds)
{
    struct gs_mem *mem = self_mem(&selves[0]);
    refuse(mem, 2, 2, 0);          /* free_threaded */
    refuse(mem, 3, 0, 283408);     /* runtime_state.size */
    refuse(mem, 5, 633, 632);      /* interpreters_head: misaligned */
    refuse(mem, 5, 283408, 632);   /* and at the end of its struct */
    refuse(mem, 5, 283404, 632);   /* and across it */
    refuse(mem, 3, 632, 283408);   /* the struct ends before the field */
    refuse(mem, 6, 7000, 194984);  /* interpreter_state.size */
    refuse(mem, 9, 7346, 7344);    /* threads_head */
    refuse(mem, 15, 7776, 7752);   /* gil_runtime_state behind its own fields */
    refuse(mem, 17, 7776, 7768);   /* gil_runtime_state_locked: apart from the holder */
    refuse(mem, 18, 7768, 7760);   /* gil_runtime_state_holder */
    refuse(mem, 19, 0, 312);       /* thread_state.size */
    refuse(mem, 22, 20, 16);       /* interp */
    refuse(mem, 27, 33, 32);       /* status */
    refuse(mem, 33, 80, 70);       /* interpreter_frame.owner, one byte */
    refuse(mem, 39, 69, 68);       /* firstlineno, four bytes */
    refuse(mem, 44, 24, 16);       /* pyobject.size is neither of the two */
    refuse(mem, 10, 194984, 7400); /* gc + collecting */
    refuse(mem, 70, 0, 40);        /* unicode_object.asciiobject_size */
    gs_mem_free(mem);
}

UNIT_TEST(test_not_python)
{
    struct gs_mem *mem = self_mem(&selves[0]);
    struct gs_err err = {0};
    mem_fake_put64(mem, at(0), 0);
    assert_int_equal(self_status(mem, &err), GS_NOT_PYTHON);
    assert_int_equal(gs_layout_from_target(&(struct gs_layout){0}, mem, 0x10, 0, &err), GS_UNREADABLE);
    gs_mem_free(mem);
    /* A table that ends at the end of memory. */
    mem = mem_fake_new();
    memcpy(mem_fake_map(mem, RUNTIME, 64), "xdebugpy", 8);
    mem_fake_put64(mem, at(1), 0x030d12f0);
    assert_int_equal(self_status(mem, &err), GS_UNREADABLE);
    gs_mem_free(mem);
}

UNIT_TEST(test_self_of_an_unknown_version)
{
    struct gs_mem *mem = self_mem(&selves[2]);
    struct gs_layout layout;
    struct gs_err err = {0};
    mem_fake_put64(mem, at(1), 0x031001f0);
    assert_int_equal(self_status(mem, &err), GS_UNKNOWN_PYTHON);
    assert_string_equal(err.what, "CPython 3.16.1 is not known to this gilspy");
    assert_int_equal(gs_layout_from_target(&layout, mem, RUNTIME, GS_VERSION(3, 15), &err), GS_OK);
    assert_int_equal(layout.version, 0x031001f0);
    assert_int_equal(layout.ts_gil_requested, 40);
    mem_fake_put64(mem, at(1), 0x030f00b4);
    assert_int_equal(self_status(mem, &err), GS_UNKNOWN_PYTHON);
    mem_fake_put64(mem, at(1), 0x100000000);
    assert_int_equal(self_status(mem, &err), GS_FAILED);
    gs_mem_free(mem);
}
