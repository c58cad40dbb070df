/* Profiles that wait on disk: what comes back, in which order, and after what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "push/spool.h"
#include "support/unit.h"

enum { MOST = 100000 };

static char folder[64];

static struct gs_spool *open_spool(void)
{
    struct gs_spool *spool;
    struct gs_err err;
    assert_int_equal(gs_spool_open(&spool, folder, MOST, &err), GS_OK);
    return spool;
}

static struct gs_push_profile *make(int number, size_t len)
{
    struct gs_push_label label = {.name = "env", .value = "a b"};
    struct gs_push_profile *profile = gs_push_profile_new("shop", &label, 1);
    assert_non_null(profile);
    profile->pprof = calloc(1, len);
    profile->len = len;
    profile->begin_ns = -number;
    profile->duration_ns = 7;
    profile->pid = number;
    return profile;
}

static void put(struct gs_spool *spool, int number)
{
    struct gs_push_profile *profile = make(number, 1000);
    assert_true(gs_spool_put(spool, profile));
    gs_push_profile_free(profile);
}

static void check(struct gs_push_profile *profile, int number)
{
    assert_non_null(profile);
    assert_int_equal(profile->pid, number);
    assert_int_equal(profile->begin_ns, -number);
    assert_int_equal(profile->duration_ns, 7);
    assert_int_equal(profile->len, 1000);
    assert_string_equal(profile->service, "shop");
    assert_string_equal(profile->labels[0].name, "env");
    assert_string_equal(profile->labels[0].value, "a b");
    gs_push_profile_free(profile);
}

static int set_up(void **state)
{
    strcpy(folder, "/tmp/gilspy-spool-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    return rmdir(folder); /* nothing is left */
}

UNIT_TEST_WITH(in_order, set_up, tear_down)
{
    struct gs_push_profile *dropped;
    struct gs_spool *spool = open_spool();
    for (int i = 1; i <= 4; i++)
        put(spool, i);
    check(gs_spool_take(spool), 1);
    assert_true(gs_spool_drop(spool, &dropped)); /* while the first one is under way */
    check(dropped, 2);
    put(spool, 5);
    assert_int_equal(gs_spool_count(spool), 4);
    gs_spool_give_back(spool);
    gs_spool_close(spool);
    spool = open_spool();
    static const int left[] = {1, 3, 4, 5};
    for (size_t i = 0; i < 4; i++) {
        check(gs_spool_take(spool), left[i]);
        gs_spool_done(spool);
    }
    assert_null(gs_spool_take(spool));
    assert_false(gs_spool_drop(spool, &dropped));
    assert_int_equal(gs_spool_count(spool), 0);
    gs_spool_close(spool);
}

/* As long as something is always there. */
UNIT_TEST_WITH(for_long, set_up, tear_down)
{
    struct gs_spool *spool = open_spool();
    put(spool, 1);
    for (int i = 1; i < 500; i++) {
        put(spool, i + 1);
        check(gs_spool_take(spool), i);
        gs_spool_done(spool);
    }
    check(gs_spool_take(spool), 500);
    gs_spool_done(spool);
    gs_spool_close(spool);
}

UNIT_TEST_WITH(bounds, set_up, tear_down)
{
    struct gs_spool *spool = open_spool();
    struct gs_push_profile *profile = make(1, 40000), *dropped;
    assert_true(gs_spool_fits(spool, profile) && gs_spool_put(spool, profile));
    assert_true(gs_spool_fits(spool, profile) && gs_spool_put(spool, profile));
    assert_false(gs_spool_fits(spool, profile));
    assert_true(gs_spool_drop(spool, &dropped));
    assert_true(gs_spool_fits(spool, profile));
    gs_push_profile_free(dropped);
    assert_true(gs_spool_drop(spool, &dropped));
    gs_push_profile_free(dropped);
    gs_push_profile_free(profile);
    gs_spool_close(spool);
}

/* What is cut off, longer than it says, or no profile at all is gone when its turn comes. */
UNIT_TEST_WITH(damaged, set_up, tear_down)
{
    struct gs_spool *spool = open_spool();
    char path[128];
    for (int i = 0; i < 3; i++)
        put(spool, i);
    gs_spool_close(spool);
    snprintf(path, sizeof path, "%s/%020d.profile", folder, 0);
    assert_int_equal(truncate(path, 1000), 0);
    snprintf(path, sizeof path, "%s/%020d.profile", folder, 1);
    assert_int_equal(truncate(path, 3000), 0);
    snprintf(path, sizeof path, "%s/%020d.profile", folder, 2);
    FILE *file = fopen(path, "r+");
    fseek(file, 24, SEEK_SET);
    fwrite("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 24, 1,
           file);
    fclose(file);
    spool = open_spool();
    assert_int_equal(gs_spool_count(spool), 3);
    for (int i = 0; i < 3; i++)
        assert_null(gs_spool_take(spool));
    assert_int_equal(gs_spool_count(spool), 0);
    gs_spool_close(spool);
}
