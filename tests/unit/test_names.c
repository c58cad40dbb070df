/* The names of threads, from modules to the attribute, in every version's storage of attributes. */

#include "python/values_type.h"
#include "support/objects_fake.h"
#include "support/unit.h"

enum { BASIC_SIZE = 64, THREADS = 5 };

struct world {
    struct objects o;
    struct gs_python python;
    gs_addr interpreter;
    gs_addr active; /* threading._active */
    gs_addr thread_type;
    gs_addr shared_keys;
    const char *attribute;
};

/* The dict of an instance; shared: keys with the type, values its own. */
static gs_addr instance_dict(struct world *w, gs_addr name, bool shared)
{
    const gs_addr pairs[] = {objects_str(&w->o, "_target"), objects_str(&w->o, "no name"),
                             objects_str(&w->o, w->attribute), name};
    gs_addr dict = objects_dict(&w->o, pairs, 2);
    if (!shared || w->o.layout.dict_table != GS_ABSENT)
        return dict;
    gs_addr values = objects_alloc(&w->o, 64);
    gs_addr array = values + (gs_addr)(w->o.layout.dv_values == GS_ABSENT ? 0 : w->o.layout.dv_values);
    objects_put64(&w->o, array + 8, name);
    objects_put64(&w->o, dict + (gs_addr)w->o.layout.dict_keys, w->shared_keys);
    objects_put64(&w->o, dict + (gs_addr)w->o.layout.dict_values, values);
    return dict;
}

/* Values without dict, as the version keeps them. */
static void put_values(struct world *w, gs_addr thread, gs_addr name)
{
    const struct gs_layout *layout = &w->o.layout;
    gs_addr values = objects_alloc(&w->o, 64), before = thread + (gs_addr)(int64_t)layout->managed_dict;
    if (layout->attributes == GS_ATTR_VALUES_BEFORE)
        objects_put64(&w->o, before - 8, values);
    else if (layout->attributes == GS_ATTR_TAGGED_BEFORE)
        objects_put64(&w->o, before, values - 1);
    else
        values = thread + BASIC_SIZE;
    if (layout->attributes == GS_ATTR_INLINE)
        objects_put8(&w->o, values + (gs_addr)layout->dv_valid, 1);
    objects_put64(&w->o, values + (gs_addr)layout->dv_values + 8, name);
}

static gs_addr add_thread(struct world *w, const char *name, unsigned kind)
{
    const struct gs_layout *layout = &w->o.layout;
    objects_alloc(&w->o, 48); /* what lies before the object */
    gs_addr thread = objects_new(&w->o, w->thread_type, 128), text = objects_str(&w->o, name);
    if (layout->attributes == GS_ATTR_DICTOFFSET)
        objects_put64(&w->o, thread + 16, instance_dict(w, text, kind == 0));
    else if (kind == 0)
        put_values(w, thread, text);
    else
        objects_put64(&w->o, thread + (gs_addr)(int64_t)layout->managed_dict, instance_dict(w, text, kind == 1));
    return thread;
}

static gs_addr module(struct world *w, const char *name, gs_addr value)
{
    const gs_addr pairs[] = {objects_str(&w->o, "__name__"), objects_str(&w->o, name), objects_str(&w->o, "_active"),
                             value};
    gs_addr object = objects_new(&w->o, objects_type(&w->o, "module"), 64);
    objects_put64(&w->o, object + (gs_addr)w->o.layout.mod_dict, objects_dict(&w->o, pairs, 2));
    return object;
}

static uint64_t ident_of(size_t thread)
{
    return UINT64_C(0x7f0012345000) + thread * 4096;
}

static void open_world(struct world *w, uint32_t version)
{
    static const char *const names[THREADS] = {"MainThread", "worker-1", "worker-2", "", "Dummy-4"};
    gs_addr pairs[2 * THREADS];
    *w = (struct world){0};
    objects_init(&w->o, version);
    const struct gs_layout *layout = &w->o.layout;
    w->python = (struct gs_python){.mem = w->o.mem, .layout = *layout};
    w->attribute = layout->thread_name_mangled ? "_Thread__name" : "_name";
    w->thread_type = objects_class(&w->o, "Thread", GS_TYPE_HEAP | GS_TYPE_MANAGED_DICT | GS_TYPE_INLINE_VALUES);
    objects_put64(&w->o, w->thread_type + (gs_addr)layout->tp_dictoffset, 16);
    objects_put64(&w->o, w->thread_type + (gs_addr)layout->tp_basicsize, BASIC_SIZE);
    if (layout->ht_cached_keys != GS_ABSENT) {
        const gs_addr keys[] = {objects_str(&w->o, "_target"), 0, objects_str(&w->o, w->attribute), 0};
        w->shared_keys = objects_keys(&w->o, keys, 2, true);
        objects_put64(&w->o, w->thread_type + (gs_addr)layout->ht_cached_keys, w->shared_keys);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pairs[2 * i] = objects_int(&w->o, (int64_t)ident_of(i));
        pairs[2 * i + 1] = add_thread(w, names[i], (unsigned)i % 3);
    }
    w->active = objects_dict(&w->o, pairs, THREADS);
    const gs_addr modules[] = {objects_str(&w->o, "sys"),       module(w, "sys", 0),
                               objects_int(&w->o, 5),           w->active,
                               objects_str(&w->o, "threading"), module(w, "threading", w->active)};
    w->interpreter = objects_alloc(&w->o, (size_t)layout->is_modules + 8);
    objects_put64(&w->o, w->interpreter + (gs_addr)layout->is_modules, objects_dict(&w->o, modules, 3));
}

static void close_world(struct world *w)
{
    objects_fini(&w->o);
}

static void assert_names(const struct gs_names *names)
{
    assert_string_equal(gs_names_get(names, ident_of(0)), "MainThread");
    assert_string_equal(gs_names_get(names, ident_of(1)), "worker-1");
    assert_string_equal(gs_names_get(names, ident_of(2)), "worker-2");
    assert_string_equal(gs_names_get(names, ident_of(3)), "");
    assert_string_equal(gs_names_get(names, ident_of(4)), "Dummy-4");
    assert_null(gs_names_get(names, ident_of(5)));
    assert_null(gs_names_get(names, 0));
}

UNIT_TEST(test_all_versions)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        open_world(&w, objects_versions[i]);
        struct gs_names *names = gs_names_new(&w.python);
        assert_non_null(names);
        assert_null(gs_names_get(names, ident_of(0)));
        gs_names_refresh(names, w.interpreter);
        assert_names(names);
        gs_names_refresh(names, w.interpreter);
        assert_names(names);
        /* An interpreter that cannot be read changes nothing. */
        gs_names_refresh(names, 0x1000);
        assert_names(names);
        gs_names_free(names);
        close_world(&w);
    }
}

/* Where the number of slots or entries of a dict stands. */
static gs_addr dict_size_at(struct world *w, gs_addr dict)
{
    const struct gs_layout *layout = &w->o.layout;
    gs_addr keys;
    if (layout->dict_mask != GS_ABSENT)
        return dict + (gs_addr)layout->dict_mask;
    assert_int_equal(gs_mem_read_addr(w->o.mem, dict + (gs_addr)layout->dict_keys, &keys), GS_OK);
    return keys + (gs_addr)layout->dk_nentries;
}

/* A dict seen in the middle of a resize, or a thread half made: what makes no sense is left out. */
UNIT_TEST(test_damage)
{
    for (size_t i = 0; i < objects_version_count; i++) {
        struct world w;
        open_world(&w, objects_versions[i]);
        struct gs_names *names = gs_names_new(&w.python);
        gs_names_refresh(names, w.interpreter);
        gs_addr size_at = dict_size_at(&w, w.active), size;
        assert_int_equal(gs_mem_read_addr(w.o.mem, size_at, &size), GS_OK);
        /* No such size: the names known before stay. */
        objects_put64(&w.o, size_at, UINT64_MAX - 5);
        gs_names_refresh(names, w.interpreter);
        assert_names(names);
        /* Threads without a readable type have no name. */
        objects_put64(&w.o, size_at, size);
        objects_put64(&w.o, w.thread_type + (gs_addr)w.o.layout.tp_dictoffset, 0x7fffffffffff);
        objects_put64(&w.o, w.thread_type + (gs_addr)w.o.layout.tp_basicsize, 0x7fffffffffff);
        objects_put64(&w.o, w.thread_type + (gs_addr)w.o.layout.tp_flags, 0);
        gs_names_refresh(names, w.interpreter);
        for (size_t k = 0; k < THREADS; k++)
            assert_null(gs_names_get(names, ident_of(k)));
        gs_names_free(names);
        close_world(&w);
    }
}

/* Each interpreter has a threading of its own. */
UNIT_TEST(test_two_interpreters)
{
    struct world w;
    open_world(&w, GS_VERSION(3, 12));
    const gs_addr pairs[] = {objects_int(&w.o, 77), add_thread(&w, "other", 0)};
    gs_addr active = objects_dict(&w.o, pairs, 1);
    const gs_addr modules[] = {objects_str(&w.o, "threading"), module(&w, "threading", active)};
    gs_addr second = objects_alloc(&w.o, (size_t)w.o.layout.is_modules + 8);
    objects_put64(&w.o, second + (gs_addr)w.o.layout.is_modules, objects_dict(&w.o, modules, 1));
    struct gs_names *names = gs_names_new(&w.python);
    gs_names_refresh(names, w.interpreter);
    gs_names_refresh(names, second);
    assert_names(names);
    assert_string_equal(gs_names_get(names, 77), "other");
    gs_names_refresh(names, w.interpreter);
    assert_names(names);
    assert_string_equal(gs_names_get(names, 77), "other");
    gs_names_free(names);
    close_world(&w);
}
