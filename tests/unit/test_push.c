/* What is pushed: names out of anything, profiles of spans, and what each server is sent. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/escape.h"
#include "push/groups.h"
#include "push/names.h"
#include "push/push.h"
#include "push/spans.h"
#include "support/plays.h"
#include "support/run_made.h"
#include "target/procfs.h"

#include "otlp.pb-c.h"
#include "support/unit.h"

enum { MOST = 4096 };
enum { WALL, CPU, GIL, WAIT, LOCKS, TYPES };
static const char *const types[TYPES] = {"wall", "cpu", "gil", "wait", "locks"};

/* ---- names ---- */

static const char *cgroup; /* text of /proc/PID/cgroup */

static void check_service(const char *environment, size_t len, const char *command, const char *expected)
{
    char copy[256], *words[16] = {NULL}, service[GS_PUSH_TEXT], *rest = copy;
    size_t count = 0;
    strcpy(copy, command);
    for (char *word; (word = strsep(&rest, " "));)
        words[count++] = word;
    const char *given = environment ? gs_environment_find(environment, len, "OTEL_SERVICE_NAME", &count) : NULL;
    char *name = given ? strndup(given, count) : NULL;
    gs_push_service(service, &(struct gs_sampled_process){.command = words, .service = name, .cgroup = cgroup});
    assert_string_equal(service, expected);
    free(name);
}

static void services(void **state)
{
    static const char environment[] = "PATH=/bin\0NOT_OTEL_SERVICE_NAME=x\0OTEL_SERVICE_NAME=shop\0A=b",
                      empty[] = "OTEL_SERVICE_NAME=\0A=b", wild[] = "OTEL_SERVICE_NAME=a\n\x1b[2J\xff\"b";
    check_service(environment, sizeof environment, "python3 app.py", "shop");
    check_service(environment, sizeof environment - 6, "python3 app.py", "sho");
    check_service(empty, sizeof empty, "python3 app.py", "app");
    check_service(wild, sizeof wild, "python3", "a\\x0a\\x1b[2J\xef\xbf\xbd\"b");
    check_service(NULL, 0, "/usr/bin/python3.11 -X dev -W error -u /srv/shop/app.py --port 80", "app");
    check_service(NULL, 0, "python3 -m gunicorn app:app", "gunicorn");
    check_service(NULL, 0, "python3 -mhttp.server", "http.server");
    check_service(NULL, 0, "python3 -c pass", "python3");
    check_service(NULL, 0, "python3 -m", "python3");
    check_service(NULL, 0, "/usr/bin/uwsgi --ini x", "uwsgi");
    check_service(NULL, 0, "python3 .py", ".py");
    check_service(NULL, 0, "", "python");
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    cgroup = "1:name=systemd:/x.service\n0::/system.slice/web.service\n";
    check_service(NULL, 0, "python3 -c pass", "web");
    check_service(NULL, 0, "python3 app.py", "app");
    cgroup = "0::/kubepods.slice/kubepods-pod12345678_1234.slice/cri-containerd-" ID ".scope\n";
    check_service(NULL, 0, "/usr/bin/uwsgi --ini x", "0123456789ab");
    cgroup = "0::/user.slice/user-1000.slice/session-2.scope\n";
    check_service(NULL, 0, "/usr/bin/uwsgi --ini x", "uwsgi");
    cgroup = NULL;
}

static void long_names(void **state)
{
    char name[1000], clean[GS_PUSH_TEXT];
    for (size_t i = 0; i < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xa4", 2);
    gs_push_clean(clean, name, sizeof name);
    size_t len = strlen(clean);
    assert_in_range(len, GS_PUSH_TEXT - 6, GS_PUSH_TEXT - 1);
    assert_string_equal(clean + len - 3, "…");
    assert_int_equal((len - 3) % 2, 0); /* no half character */
}

static void groups(void **state)
{
    static const char *const pairs[][2] = {{"worker-17", "worker-*"},
                                           {"ThreadPoolExecutor-0_3", "ThreadPoolExecutor-*_*"},
                                           {"Thread-12 (work)", "Thread-* (work)"},
                                           {"MainThread", "MainThread"},
                                           {"", "<no name>"},
                                           {"42", "*"}};
    char group[GS_PUSH_TEXT];
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        gs_push_group(group, pairs[i][0]);
        assert_string_equal(group, pairs[i][1]);
    }
}

static void label_names(void **state)
{
    static const char *const good[] = {"env", "_x", "a1"}, *const bad[] = {
                                                               "",        "1a",           "a-b",          "a b",
                                                               "pid",     "service_name", "thread_group", "__name__",
                                                               "\xc3\xa4"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(gs_push_label_name(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(gs_push_label_name(bad[i], strlen(bad[i])));
}

static void urls(void **state)
{
    static const struct {
        const char *url, *protocol, *server; /* protocol NULL: refused */
    } rows[] = {{"pyroscope+http://localhost:4040", "pyroscope", "http://localhost:4040"},
                {"otlp+https://h:4318/prefix/", "otlp", "https://h:4318/prefix"},
                {"parca+http://[::1]:7070//", "parca", "http://[::1]:7070"},
                {"http://localhost:4040", NULL, NULL},
                {"pyroscope+ftp://h", NULL, NULL},
                {"pyroscope+file:///etc/passwd", NULL, NULL},
                {"pyroscope+http://", NULL, NULL},
                {"pyroscope+http:///x", NULL, NULL},
                {"pyroscope+http://user:pw@h", NULL, NULL},
                {"pyroscope+http://h?a=b", NULL, NULL},
                {"pyroscope+http://h\r\nX: y", NULL, NULL},
                {"pyroscopes+http://h", NULL, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct gs_push_protocol *protocol;
        struct gs_err err;
        char *server;
        enum gs_status status = gs_push_url(rows[i].url, &protocol, &server, &err);
        assert_int_equal(status, rows[i].protocol ? GS_OK : GS_USAGE);
        if (rows[i].protocol) {
            assert_string_equal(protocol->name, rows[i].protocol);
            assert_string_equal(server, rows[i].server);
        } else {
            assert_null(strstr(err.what, "pw"));
        }
        free(server);
    }
}

/* ---- spans ---- */

struct taken {
    struct gs_push_profile *profiles[MOST];
    size_t count;
};

static void take(void *context, struct gs_push_profile *profile)
{
    struct taken *taken = context;
    assert_true(taken->count < MOST);
    taken->profiles[taken->count++] = profile;
}

static void free_taken(struct taken *taken)
{
    while (taken->count > 0)
        gs_push_profile_free(taken->profiles[--taken->count]);
}

/* What the samples come to. */
struct sums {
    struct gs_sink sink;
    int64_t ns[TYPES];
    uint64_t samples, last_ns[64], begin_ns[64];
};

static enum gs_status sum_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    struct sums *sums = (struct sums *)sink;
    int64_t ns = (int64_t)(sample->weight_ns + sample->gap_ns);
    for (size_t i = 0; i < sample->thread_count; i++) {
        const struct gs_thread_sample *thread = &sample->threads[i];
        sums->ns[WALL] += ns;
        sums->ns[CPU] += thread->run == GS_RUN_RUNNING ? ns : 0;
        sums->ns[GIL] += thread->gil == GS_HOLDS ? ns : 0;
        sums->ns[WAIT] += thread->gil == GS_WAITS ? ns : 0;
        sums->ns[LOCKS] += gs_mode_counts(GS_MODE_LOCKS, thread) ? ns : 0;
    }
    sums->samples++;
    assert_true(sample->process < 64);
    if (!sums->last_ns[sample->process])
        sums->begin_ns[sample->process] = sample->time_ns - (uint64_t)ns;
    sums->last_ns[sample->process] = sample->time_ns;
    return GS_OK;
}

static enum gs_status sum_end(struct gs_sink *sink, const struct gs_run_end *end)
{
    (void)sink;
    (void)end;
    return GS_OK;
}

static void add_values(const struct gs_push_profile *profile, int64_t ns[TYPES])
{
    Gs__Profile *unpacked = gs_push_unpack(profile);
    assert_non_null(unpacked);
    assert_int_equal(unpacked->n_sample_type, TYPES);
    for (size_t i = 0; i < TYPES; i++) {
        assert_string_equal(unpacked->string_table[unpacked->sample_type[i]->type], types[i]);
        assert_string_equal(unpacked->string_table[unpacked->sample_type[i]->unit], "nanoseconds");
    }
    assert_int_equal(unpacked->time_nanos, profile->begin_ns);
    assert_int_equal(unpacked->duration_nanos, profile->duration_ns);
    for (size_t i = 0; i < unpacked->n_sample; i++) {
        for (size_t j = 0; j < TYPES; j++)
            ns[j] += unpacked->sample[i]->value[j];
        assert_int_equal(unpacked->sample[i]->n_label, 1);
        assert_string_equal(unpacked->string_table[unpacked->sample[i]->label[0]->key], GS_PUSH_THREAD);
    }
    gs__profile__free_unpacked(unpacked, NULL);
}

static void divide(uint64_t every_ns, const struct run_shape *shape, struct sums *sums, struct taken *taken,
                   int64_t (*ahead_ns)(void))
{
    struct gs_push_label labels[] = {{(char *)"env", (char *)"test"}};
    struct gs_spans_options options = {
        .every_ns = every_ns, .labels = labels, .label_count = 1, .ahead_ns = ahead_ns, .take = take, .context = taken};
    struct gs_spans *spans;
    *sums = (struct sums){.sink = {.sample = sum_sample, .end = sum_end}};
    taken->count = 0;
    assert_int_equal(gs_spans_new(&spans, &options, &sums->sink), GS_OK);
    assert_true(run_make(gs_spans_sink(spans), shape));
    gs_spans_free(spans);
}

/* Profiles of one process follow each other, and all together are all that was sampled. */
static void check_spans(const struct taken *taken, const struct sums *sums)
{
    int64_t ns[TYPES] = {0}, until_ns[64] = {0}, since_ns[64] = {0};
    pid_t pids[64];
    size_t known = 0;
    for (size_t i = 0; i < taken->count; i++) {
        const struct gs_push_profile *profile = taken->profiles[i];
        size_t at = 0;
        while (at < known && pids[at] != profile->pid)
            at++;
        if (at == known) {
            assert_true(known < 64);
            pids[known] = profile->pid;
            since_ns[known++] = profile->begin_ns;
        } else {
            assert_int_equal(profile->begin_ns, until_ns[at]);
        }
        until_ns[at] = profile->begin_ns + (int64_t)profile->duration_ns;
        add_values(profile, ns);
        assert_string_equal(profile->labels[0].value, "test");
    }
    for (size_t i = 0; i < TYPES; i++)
        assert_int_equal(ns[i], sums->ns[i]);
    int64_t covered = 0, sampled = 0;
    for (size_t i = 0; i < 64; i++) {
        covered += i < known ? until_ns[i] - since_ns[i] : 0;
        sampled += (int64_t)(sums->last_ns[i] - sums->begin_ns[i]);
    }
    assert_int_equal(covered, sampled);
}

static void spans_cover_the_run(void **state)
{
    static const struct run_shape shapes[] = {{.seed = 1,
                                               .samples = 3000,
                                               .processes = 1,
                                               .most_threads = 6,
                                               .functions = 40,
                                               .depth = 12,
                                               .slot_ns = 10000000},
                                              {.seed = 2,
                                               .samples = 3000,
                                               .processes = 4,
                                               .most_threads = 9,
                                               .functions = 60,
                                               .depth = 20,
                                               .churn = 5,
                                               .forget_every = 400,
                                               .slot_ns = 10000000}};
    static struct taken taken;
    struct sums sums;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        divide(UINT64_C(2000000000), &shapes[i], &sums, &taken, NULL);
        assert_in_range(taken.count, 4, MOST);
        check_spans(&taken, &sums);
        free_taken(&taken);
    }
}

/* A clock that is slewed; then an hour in which the machine is suspended; then it is set back by two. */
static const int64_t ahead[] = {0, 400000000, 3600000000000, 3600400000000, -3600000000000, -3600000000000};
static size_t asked;

/* tests/support/run_made.c: its run begins at 1000, which was -5 by the clock. */
static int64_t ahead_ns(void)
{
    size_t last = sizeof ahead / sizeof *ahead - 1;
    return -1005 + ahead[asked < last ? asked++ : last];
}

static void clock_steps(void **state)
{
    static const struct run_shape shape = {
        .seed = 1, .samples = 3000, .processes = 1, .most_threads = 2, .functions = 4, .depth = 3, .slot_ns = 10000000};
    static const int64_t hour_ns = 3600000000000, steps[] = {0, hour_ns, 0, -2 * hour_ns, 0, 0};
    static struct taken taken;
    struct sums sums;
    divide(UINT64_C(2000000000), &shape, &sums, &taken, ahead_ns);
    assert_in_range(taken.count, 7, MOST);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const struct gs_push_profile *before = taken.profiles[i], *after = taken.profiles[i + 1];
        assert_int_equal(after->begin_ns, before->begin_ns + (int64_t)before->duration_ns + steps[i]);
    }
    free_taken(&taken);
}

/* Names of threads are the target's: as many as it likes are no more series than a server can bear. */
static void few_groups(void **state)
{
    enum { THREADS = 100 };
    struct run_log log;
    struct gs_groups groups;
    char name[] = "A-";
    run_log_open(&log);
    gs_groups_init(&groups, &log.sink, 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        name[0] = (char)('A' + i % 50);
        struct gs_sampled_thread thread = {.tid = (pid_t)i + 1, .name = name};
        assert_int_equal(groups.sink.thread(&groups.sink, i, &thread), GS_OK);
    }
    assert_int_equal(groups.count, GS_PUSH_GROUPS);
    assert_string_equal(groups.names[groups.count - 1], "(other)");
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(groups.of[i], i % 50 < GS_PUSH_GROUPS ? i % 50 : GS_PUSH_GROUPS - 1);
    gs_groups_fini(&groups);
    run_log_close(&log);
}

/* ---- what servers are sent ---- */

static struct gs_push_profile *profile_of(const char *play)
{
    static struct taken taken;
    struct gs_push_label labels[] = {{(char *)"env", (char *)"a{b}=\"c\","}};
    struct gs_spans_options options = {
        .every_ns = UINT64_C(3600000000000), .labels = labels, .label_count = 1, .take = take, .context = &taken};
    struct gs_spans *spans;
    taken.count = 0;
    assert_int_equal(gs_spans_new(&spans, &options, NULL), GS_OK);
    enum gs_status status = play_find(play)->run(gs_spans_sink(spans));
    gs_spans_free(spans);
    assert_in_range(taken.count, 1, MOST);
    while (taken.count > 1)
        gs_push_profile_free(taken.profiles[--taken.count]);
    (void)status;
    return taken.profiles[0];
}

static void check_labels(const struct gs_push_profile *profile, size_t count, Gs__PushLabel **labels)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)profile->pid);
    const char *const expected[][2] = {
        {"__name__", "cpython"}, {"service_name", profile->service}, {"pid", pid}, {"env", "a{b}=\"c\","}};
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(labels[i]->name, expected[i][0]);
        assert_string_equal(labels[i]->value, expected[i][1]);
    }
}

static void pyroscope(void **state)
{
    struct gs_push_profile *profile = profile_of("app");
    struct gs_push_message message = {0};
    assert_int_equal(gs_push_pyroscope.encode(profile, &message), GS_OK);
    Gs__PyroscopePush *push = gs__pyroscope_push__unpack(NULL, message.len, message.body);
    assert_non_null(push);
    assert_int_equal(push->n_series, 1);
    check_labels(profile, push->series[0]->n_labels, push->series[0]->labels);
    assert_int_equal(push->series[0]->samples[0]->raw_profile.len, profile->len);
    assert_memory_equal(push->series[0]->samples[0]->raw_profile.data, profile->pprof, profile->len);
    gs__pyroscope_push__free_unpacked(push, NULL);
    gs_push_message_free(&message);
    assert_int_equal(gs_push_pyroscope.otherwise->encode(profile, &message), GS_OK);
    char expected[512];
    snprintf(expected, sizeof expected,
             "/ingest?name=%s%%7Bpid%%3D%d%%2Cenv%%3Da_b___c__%%7D&format=pprof&spyName=gilspy&from=%lld&until=%lld",
             profile->service, (int)profile->pid, (long long)profile->begin_ns / 1000000000,
             (long long)(profile->begin_ns + (int64_t)profile->duration_ns) / 1000000000);
    assert_string_equal(message.path, expected);
    assert_memory_equal(message.body, profile->pprof, profile->len);
    gs_push_message_free(&message);
    gs_push_profile_free(profile);
}

static bool parca_takes(const char *head, const void *body, size_t len)
{
    struct gs_http_answer answer = {.status = 200, .len = len};
    char why[GS_HTTP_WHY] = "";
    strcpy(answer.grpc_status, head);
    memcpy(answer.body, body, len);
    bool taken = gs_push_parca.taken(&answer, why);
    assert_true(taken || *why);
    return taken;
}

static void parca(void **state)
{
    struct gs_push_profile *profile = profile_of("app");
    struct gs_push_message message = {0};
    assert_int_equal(gs_push_parca.encode(profile, &message), GS_OK);
    size_t len = (size_t)message.body[3] << 8 | message.body[4] | (size_t)message.body[2] << 16;
    assert_int_equal(message.body[0], 0);
    assert_int_equal(len + 5, message.len);
    Gs__ParcaWrite *write = gs__parca_write__unpack(NULL, len, message.body + 5);
    assert_non_null(write);
    assert_true(write->normalized);
    check_labels(profile, write->series[0]->labels->n_labels, write->series[0]->labels->labels);
    assert_memory_equal(write->series[0]->samples[0]->raw_profile.data, profile->pprof, profile->len);
    gs__parca_write__free_unpacked(write, NULL);
    gs_push_message_free(&message);
    gs_push_profile_free(profile);
    static const char good[] = "\0\0\0\0\0\x80\0\0\0\x10grpc-status: 0\r\n",
                      bad[] = "\x80\0\0\0\x28grpc-status: 3\r\n"
                              "grpc-message: no such\r\n",
                      page[] = "<!doctype html><html>";
    assert_true(parca_takes("", good, sizeof good - 1));
    assert_true(parca_takes("0", "", 0));
    assert_false(parca_takes("", bad, sizeof bad - 1));
    assert_false(parca_takes("13", "", 0));
    assert_false(parca_takes("", page, sizeof page - 1));
    assert_false(parca_takes("", "\0\xff\xff\xff\xff", 5));
    assert_false(parca_takes("", "", 0));
}

static Gs__OtlpExport *unpack_otlp(const struct gs_push_message *message)
{
    static uint8_t bytes[4 << 20];
    z_stream stream = {
        .next_in = message->body, .avail_in = (unsigned)message->len, .next_out = bytes, .avail_out = sizeof bytes};
    assert_true(message->gzip);
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    inflateEnd(&stream);
    Gs__OtlpExport *export = gs__otlp_export__unpack(NULL, stream.total_out, bytes);
    assert_non_null(export);
    return export;
}

static const char *text_at(const Gs__OtlpDictionary *dictionary, int32_t at)
{
    assert_in_range(at, 0, dictionary->n_string_table - 1);
    return dictionary->string_table[at];
}

/* The stack of a sample as "outermost;...;innermost", as its functions are called. */
static void check_stack(const Gs__OtlpDictionary *dictionary, const Gs__OtlpSample *sample)
{
    assert_in_range(sample->stack_index, 1, dictionary->n_stack_table - 1);
    const Gs__OtlpStack *stack = dictionary->stack_table[sample->stack_index];
    for (size_t i = 0; i < stack->n_location_indices; i++) {
        assert_in_range(stack->location_indices[i], 1, dictionary->n_location_table - 1);
        const Gs__OtlpLocation *location = dictionary->location_table[stack->location_indices[i]];
        assert_int_equal(location->mapping_index, 1);
        assert_int_equal(location->n_lines, 1);
        assert_in_range(location->lines[0]->function_index, 1, dictionary->n_function_table - 1);
        const Gs__OtlpFunction *function = dictionary->function_table[location->lines[0]->function_index];
        assert_int_not_equal(text_at(dictionary, function->name_strindex)[0], '\0');
    }
    assert_int_equal(sample->n_attribute_indices, 1);
    assert_in_range(sample->attribute_indices[0], 1, dictionary->n_attribute_table - 1);
    const Gs__OtlpAttribute *attribute = dictionary->attribute_table[sample->attribute_indices[0]];
    assert_string_equal(text_at(dictionary, attribute->key_strindex), GS_PUSH_THREAD);
    assert_int_equal(attribute->value->value_case, GS__OTLP_VALUE__VALUE_STRING_VALUE);
}

static void otlp(void **state)
{
    struct gs_push_profile *profile = profile_of("app");
    struct gs_push_message message = {0};
    int64_t expected[TYPES] = {0};
    add_values(profile, expected);
    assert_int_equal(gs_push_otlp.encode(profile, &message), GS_OK);
    Gs__OtlpExport *export = unpack_otlp(&message);
    const Gs__OtlpDictionary *dictionary = export->dictionary;
    assert_string_equal(dictionary->string_table[0], "");
    assert_int_equal(dictionary->function_table[0]->name_strindex, 0);
    assert_int_equal(dictionary->stack_table[0]->n_location_indices, 0);
    const Gs__OtlpResource *resource = export->resource_profiles[0]->resource;
    assert_string_equal(resource->attributes[0]->value->string_value, profile->service);
    assert_int_equal(resource->attributes[1]->value->int_value, profile->pid);
    const Gs__OtlpScopeProfiles *scope = export->resource_profiles[0]->scope_profiles[0];
    assert_int_equal(scope->n_profiles, TYPES);
    for (size_t i = 0; i < TYPES; i++) {
        const Gs__OtlpProfile *made = scope->profiles[i];
        int64_t ns = 0;
        assert_string_equal(text_at(dictionary, made->sample_type->type_strindex), types[i]);
        assert_int_equal(made->time_unix_nano, profile->begin_ns);
        assert_int_equal(made->profile_id.len, GS_PUSH_ID);
        for (size_t j = 0; j < made->n_samples; j++) {
            check_stack(dictionary, made->samples[j]);
            ns += made->samples[j]->values[0];
        }
        assert_int_equal(ns, expected[i]);
        assert_true(ns > 0);
    }
    gs__otlp_export__free_unpacked(export, NULL);
    gs_push_message_free(&message);
    gs_push_profile_free(profile);
}

static void otlp_answers(void **state)
{
    static const char partial[] = "\x0a\x08\x08\x02\x12\x04nope", remark[] = "\x0a\x06\x12\x04nice",
                      page[] = "<!doctype";
    const struct {
        const char *body;
        size_t len;
        bool taken;
    } rows[] = {{"", 0, true},
                {partial, sizeof partial - 1, false},
                {remark, sizeof remark - 1, true},
                {page, sizeof page - 1, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gs_http_answer answer = {.status = 200, .len = rows[i].len};
        char why[GS_HTTP_WHY] = "";
        memcpy(answer.body, rows[i].body, rows[i].len);
        assert_int_equal(gs_push_otlp.taken(&answer, why), rows[i].taken);
    }
}

/* Whatever stands in memory as a profile. */
static void no_profile(void **state)
{
    uint8_t garbage[] = "\x1f\x8b garbage";
    struct gs_push_profile profile = {.pprof = garbage, .len = sizeof garbage, .service = (char *)"x"};
    struct gs_push_message message = {0};
    assert_int_equal(gs_push_otlp.encode(&profile, &message), GS_FAILED);
    gs_push_message_free(&message);
}

/* Every protocol takes names that are made to fool: Go refuses a message with bytes that are no UTF-8. */
static void hostile(void **state)
{
    struct gs_push_profile *profile = profile_of("hostile");
    struct gs_push_message message = {0};
    assert_int_equal(gs_push_otlp.encode(profile, &message), GS_OK);
    Gs__OtlpExport *export = unpack_otlp(&message);
    for (size_t i = 0; i < export->dictionary->n_string_table; i++) {
        const char *text = export->dictionary->string_table[i];
        for (size_t len = strlen(text); len > 0;) {
            uint32_t character;
            size_t taken = gs_utf8_next(text, len, &character);
            assert_true(character >= ' ' && (character != GS_UTF8_REPLACEMENT || taken == 3));
            text += taken;
            len -= taken;
        }
    }
    gs__otlp_export__free_unpacked(export, NULL);
    gs_push_message_free(&message);
    gs_push_profile_free(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services),    cmocka_unit_test(long_names), cmocka_unit_test(groups),
        cmocka_unit_test(label_names), cmocka_unit_test(urls),       cmocka_unit_test(spans_cover_the_run),
        cmocka_unit_test(clock_steps), cmocka_unit_test(few_groups), cmocka_unit_test(pyroscope),
        cmocka_unit_test(parca),       cmocka_unit_test(otlp),       cmocka_unit_test(otlp_answers),
        cmocka_unit_test(no_profile),  cmocka_unit_test(hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
