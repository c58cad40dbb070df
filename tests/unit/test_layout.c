/* The layouts from the tables: values, drift within a minor, object heads, unknown versions. */
#include <string.h>

#include "arch/arch.h"
#include "gilspy/layout.h"
#include "support/unit.h"

/* What a mutex has more than on x86-64: each that lies before a field moves it. */
enum { MORE = GS_ARCH_MUTEX_BYTES - 40 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct gs_layout table(uint32_t version)
{
    struct gs_layout layout;
    struct gs_err err = {0};
    assert_int_equal(gs_layout_from_table(&layout, version, 0, &err), GS_OK);
    return layout;
}

UNIT_TEST(test_tables)
{
    /* From CPython's headers, counted by hand, and seen in live processes. */
    static const struct {
        int minor;
        int32_t ts_interp, ts_thread_id, co_name, rt_gil, is_threads_head, rt_tstate_current;
    } rows[] = {{6, 16, 152, 104, -1, 8, -1},    {7, 16, 176, 104, 1264, 8, 1480}, {8, 16, 176, 112, 1152, 8, 1368},
                {9, 16, 176, 112, 352, 8, 568},  {10, 16, 176, 112, 352, 8, 568},  {11, 16, 152, 120, 360, 16, 576},
                {12, 16, 136, 120, -1, 72, -1},  {13, 16, 152, 120, -1, 7344, -1}, {14, 16, 152, 120, -1, 7344, -1},
                {15, 16, 176, 120, -1, 7336, -1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct gs_layout layout = table(GS_VERSION(3, rows[i].minor) | 0xff00);
        assert_int_equal(layout.ts_interp, rows[i].ts_interp);
        assert_int_equal(layout.ts_thread_id, rows[i].ts_thread_id);
        assert_int_equal(layout.co_name, rows[i].co_name);
        assert_int_equal(layout.rt_gil, rows[i].rt_gil);
        assert_int_equal(layout.is_threads_head, rows[i].is_threads_head);
        assert_int_equal(layout.rt_tstate_current,
                         rows[i].rt_tstate_current + (rows[i].rt_tstate_current == GS_ABSENT ? 0 : 2 * MORE));
        assert_int_equal(layout.head_bytes, 16);
        assert_false(layout.self_described || layout.debug || layout.free_threaded);
    }
    struct gs_layout python2 = table(0x020712f0);
    assert_int_equal(python2.version, 0x020712f0);
    assert_int_equal(python2.ts_prev, GS_ABSENT);
    assert_int_equal(python2.fo_lasti, 120);
    assert_int_equal(python2.bytes_data, 36);
    assert_int_equal(python2.dict_table, 40);
}

UNIT_TEST(test_facts_are_in_their_columns)
{
    assert_int_equal(table(0x020712f0).line_table, GS_LINES_LNOTAB_U8);
    assert_int_equal(table(0x020712f0).thread_name_mangled, 1);
    assert_int_equal(table(0x03060ff0).gil_home, GS_GIL_STATICS);
    assert_int_equal(table(0x03090df0).lasti_unit, 1);
    assert_int_equal(table(0x030a0df0).line_table, GS_LINES_PEP626);
    assert_int_equal(table(0x030a0df0).lasti_unit, 2);
    assert_int_equal(table(0x030b07f0).attributes, GS_ATTR_VALUES_BEFORE);
    assert_int_equal(table(0x030b07f0).frame_head_words, 9);
    assert_int_equal(table(0x030c01f0).owner_shim, 3);
    assert_int_equal(table(0x030d00f0).drop_request_bit, 0);
    assert_int_equal(table(0x030e0af0).ref_tag_mask, 3);
    assert_int_equal(table(0x030f02f0).ref_tag_mask, 3);
    assert_int_equal(table(0x030f02f0).managed_dict, -24);
}

UNIT_TEST(test_known_versions_are_those_with_tables)
{
    struct gs_layout layout;
    assert_string_equal(gs_layout_known_versions(), "2.7, 3.6-3.15");
    for (unsigned minor = 0; minor < 256; minor++) {
        const bool known = minor >= 6 && minor <= 15;
        assert_int_equal(gs_layout_from_table(&layout, GS_VERSION(3, minor) | 0xff00, 0, NULL),
                         known ? GS_OK : GS_UNKNOWN_PYTHON);
        assert_int_equal(gs_layout_from_table(&layout, GS_VERSION(2, minor) | 0xff00, 0, NULL),
                         minor == 7 ? GS_OK : GS_UNKNOWN_PYTHON);
    }
}

UNIT_TEST(test_drift_within_3_7)
{
    for (uint32_t micro = 0; micro < 4; micro++) {
        struct gs_layout layout = table(0x030700f0 | micro << 8);
        assert_int_equal(layout.rt_tstate_current, 1392 + 2 * MORE);
        assert_int_equal(layout.rt_gil, 1176);
        assert_int_equal(layout.rt_gil_drop_request, 628);
        assert_int_equal(layout.rt_gc_collecting, 544);
        assert_int_equal(layout.rt_gc_stats, 472);
        assert_int_equal(layout.rt_gc_generations, 336);
        assert_int_equal(layout.rt_interpreters_head, 24);
        assert_int_equal(layout.gil_switch_cond, 120 + MORE);
    }
    assert_int_equal(table(0x030704f0).rt_tstate_current, 1480 + 2 * MORE);
    assert_int_equal(table(0x030704f0).rt_gil, 1264);
    assert_int_equal(table(0x0307fff0).rt_gil, 1264);
}

UNIT_TEST(test_head)
{
    struct gs_layout layout = table(0x03060ff0);
    const struct gs_layout before = layout;
    gs_layout_set_head(&layout, 32);
    assert_int_equal(layout.head_bytes, 32);
    assert_int_equal(layout.ob_type, 24);
    assert_int_equal(layout.co_name, before.co_name + 16);
    assert_int_equal(layout.fo_localsplus, before.fo_localsplus + 16);
    assert_int_equal(layout.str_ascii_data, 64);
    assert_int_equal(layout.dict_keys, 48);
    assert_int_equal(layout.dk_nentries, before.dk_nentries);
    assert_int_equal(layout.ts_frame, before.ts_frame);
    assert_int_equal(layout.co_qualname, GS_ABSENT);
    gs_layout_set_head(&layout, 32);
    assert_int_equal(layout.ob_type, 24);
    gs_layout_set_head(&layout, 16);
    assert_memory_equal(&layout, &before, sizeof layout);
}

UNIT_TEST(test_unknown_is_refused)
{
    struct gs_layout layout;
    struct gs_err err = {0};
    assert_int_equal(gs_layout_from_table(&layout, 0x031000f0, 0, &err), GS_UNKNOWN_PYTHON);
    assert_string_equal(err.what, "CPython 3.16.0 is not known to this gilspy");
    assert_string_equal(err.todo,
                        "it knows the releases of 2.7, 3.6-3.15; --assume-python 3.15 reads this one with that "
                        "layout, at your risk");
    assert_int_equal(gs_layout_from_table(&layout, GS_VERSION(3, 5) | 0xff00, 0, &err), GS_UNKNOWN_PYTHON);
    assert_string_equal(err.what, "CPython 3.5 is not known to this gilspy");
    assert_non_null(strstr(err.todo, "--assume-python 2.7 "));
}

UNIT_TEST(test_prereleases)
{
    struct gs_layout layout;
    struct gs_err err = {0};
    assert_int_equal(gs_layout_from_table(&layout, 0x030e00a3, 0, &err), GS_UNKNOWN_PYTHON);
    assert_string_equal(err.what, "CPython 3.14.0a3 is not known to this gilspy");
    assert_int_equal(gs_layout_from_table(&layout, 0x030f00b1, 0, &err), GS_UNKNOWN_PYTHON);
    assert_string_equal(err.what, "CPython 3.15.0b1 is not known to this gilspy");
    assert_int_equal(gs_layout_from_table(&layout, 0x030f00c2, 0, &err), GS_OK);
    assert_int_equal(gs_layout_from_table(&layout, 0x030f00b1, GS_VERSION(3, 15), &err), GS_OK);
}

UNIT_TEST(test_assume)
{
    struct gs_layout layout;
    assert_int_equal(gs_layout_from_table(&layout, 0x031000f0, GS_VERSION(3, 12), NULL), GS_OK);
    assert_int_equal(layout.version, 0x031000f0);
    assert_int_equal(layout.is_threads_head, 72);
    assert_int_equal(layout.owner_shim, 3);
    /* An assumed 3.7 is the latest 3.7. */
    assert_int_equal(gs_layout_from_table(&layout, 0x031000f0, GS_VERSION(3, 7), NULL), GS_OK);
    assert_int_equal(layout.rt_gil, 1264);
    /* What is known is not assumed. */
    assert_int_equal(gs_layout_from_table(&layout, 0x030b07f0, GS_VERSION(3, 12), NULL), GS_OK);
    assert_int_equal(layout.is_threads_head, 16);
    assert_int_equal(gs_layout_from_table(&layout, 0x031000f0, GS_VERSION(3, 17), NULL), GS_UNKNOWN_PYTHON);
}
