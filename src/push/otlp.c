/* OTLP: the profile in OpenTelemetry's words, one for each type of its samples. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "push/protocol.h"

#include "otlp.pb-c.h"

enum { GZIP_WINDOW = 15 + 16 };

/* What lives as long as the message is made: every list is one piece. */
struct otlp {
    const struct gs_push_profile *profile;
    Gs__Profile *from;
    Gs__OtlpDictionary dictionary;
    Gs__OtlpResource resource;
    int32_t *locations; /* of all stacks, one behind the other */
    int32_t *attribute; /* number in the table of the thread group of each sample; 0: it has none */
    void *pieces[64];
    size_t piece_count;
    bool failed; /* out of memory */
};

/* Zeroed; NULL, and it has failed: out of memory. */
static void *piece(struct otlp *otlp, size_t count, size_t size)
{
    void *made = otlp->piece_count < sizeof otlp->pieces / sizeof *otlp->pieces ? calloc(count + 1, size) : NULL;
    if (made)
        otlp->pieces[otlp->piece_count++] = made;
    else
        otlp->failed = true;
    return made;
}

/* A list of `count` messages, and of pointers to them. */
#define MESSAGES(otlp, count, type, init, list, pointers)                                                              \
    type *list = piece(otlp, count, sizeof *list), **pointers = piece(otlp, count, sizeof *pointers);                  \
    for (size_t i = 0; i < (count) && list && pointers; i++) {                                                         \
        init(&list[i]);                                                                                                \
        pointers[i] = &list[i];                                                                                        \
    }

/* A number of an entry, as the pprof says it: 0 where there is none of that number. */
static int32_t entry(uint64_t number, size_t count)
{
    return number < count && number <= INT32_MAX ? (int32_t)number : 0;
}

static void put_functions(struct otlp *otlp)
{
    const Gs__Profile *from = otlp->from;
    size_t count = from->n_function + 1;
    MESSAGES(otlp, count, Gs__OtlpFunction, gs__otlp_function__init, list, pointers)
    if (otlp->failed)
        return;
    for (size_t i = 0; i < from->n_function; i++) {
        Gs__OtlpFunction *function = &list[entry(from->function[i]->id, count)];
        function->name_strindex = entry((uint64_t)from->function[i]->name, from->n_string_table);
        function->system_name_strindex = entry((uint64_t)from->function[i]->system_name, from->n_string_table);
        function->filename_strindex = entry((uint64_t)from->function[i]->filename, from->n_string_table);
    }
    otlp->dictionary.n_function_table = count;
    otlp->dictionary.function_table = pointers;
}

static void put_mappings(struct otlp *otlp)
{
    const Gs__Profile *from = otlp->from;
    size_t count = from->n_mapping + 1;
    MESSAGES(otlp, count, Gs__OtlpMapping, gs__otlp_mapping__init, list, pointers)
    if (otlp->failed)
        return;
    for (size_t i = 0; i < from->n_mapping; i++)
        list[entry(from->mapping[i]->id, count)].filename_strindex =
            entry((uint64_t)from->mapping[i]->filename, from->n_string_table);
    otlp->dictionary.n_mapping_table = count;
    otlp->dictionary.mapping_table = pointers;
}

static void put_locations(struct otlp *otlp)
{
    const Gs__Profile *from = otlp->from;
    size_t count = from->n_location + 1;
    MESSAGES(otlp, count, Gs__OtlpLocation, gs__otlp_location__init, list, pointers)
    MESSAGES(otlp, count, Gs__OtlpLine, gs__otlp_line__init, lines, line_pointers)
    if (otlp->failed)
        return;
    for (size_t i = 0; i < from->n_location; i++) {
        const Gs__Location *location = from->location[i];
        int32_t at = entry(location->id, count);
        if (at == 0 || location->n_line == 0)
            continue;
        list[at].mapping_index = entry(location->mapping_id, from->n_mapping + 1);
        list[at].n_lines = 1;
        list[at].lines = &line_pointers[at];
        lines[at].function_index = entry(location->line[0]->function_id, from->n_function + 1);
        lines[at].line = location->line[0]->line;
    }
    otlp->dictionary.n_location_table = count;
    otlp->dictionary.location_table = pointers;
}

static void put_links(struct otlp *otlp)
{
    MESSAGES(otlp, 1, Gs__OtlpLink, gs__otlp_link__init, list, pointers)
    (void)list;
    otlp->dictionary.n_link_table = 1;
    otlp->dictionary.link_table = pointers;
}

/* Each sample has a stack of its own, of its number plus 1. */
static void put_stacks(struct otlp *otlp)
{
    const Gs__Profile *from = otlp->from;
    size_t count = from->n_sample + 1, all = 0, used = 0;
    for (size_t i = 0; i < from->n_sample; i++)
        all += from->sample[i]->n_location_id;
    MESSAGES(otlp, count, Gs__OtlpStack, gs__otlp_stack__init, list, pointers)
    otlp->locations = piece(otlp, all, sizeof *otlp->locations);
    if (otlp->failed)
        return;
    for (size_t i = 0; i < from->n_sample; i++) {
        list[i + 1].n_location_indices = from->sample[i]->n_location_id;
        list[i + 1].location_indices = &otlp->locations[used];
        for (size_t j = 0; j < from->sample[i]->n_location_id; j++)
            otlp->locations[used++] = entry(from->sample[i]->location_id[j], from->n_location + 1);
    }
    otlp->dictionary.n_stack_table = count;
    otlp->dictionary.stack_table = pointers;
}

/* The thread groups: each text that labels a sample becomes an attribute once. */
static void put_attributes(struct otlp *otlp)
{
    const Gs__Profile *from = otlp->from;
    size_t texts = from->n_string_table, used = 1;
    MESSAGES(otlp, texts + 1, Gs__OtlpAttribute, gs__otlp_attribute__init, list, pointers)
    MESSAGES(otlp, texts + 1, Gs__OtlpValue, gs__otlp_value__init, values, value_pointers)
    int32_t *number = piece(otlp, texts, sizeof *number);
    otlp->attribute = piece(otlp, from->n_sample, sizeof *otlp->attribute);
    if (otlp->failed)
        return;
    list[0].value = value_pointers[0];
    for (size_t i = 0; i < from->n_sample; i++) {
        const Gs__Sample *sample = from->sample[i];
        int32_t text = sample->n_label > 0 ? entry((uint64_t)sample->label[0]->str, texts) : 0;
        if (text > 0 && number[text] == 0) {
            number[text] = (int32_t)used;
            list[used].key_strindex = entry((uint64_t)sample->label[0]->key, texts);
            list[used].value = value_pointers[used];
            values[used].value_case = GS__OTLP_VALUE__VALUE_STRING_VALUE;
            values[used++].string_value = from->string_table[text];
        }
        otlp->attribute[i] = number[text];
    }
    otlp->dictionary.n_attribute_table = used;
    otlp->dictionary.attribute_table = pointers;
}

/* service.name and process.pid are names of OpenTelemetry's (semantic conventions: resource/service and
 * resource/process). */
static void put_resource(struct otlp *otlp)
{
    const struct gs_push_profile *profile = otlp->profile;
    size_t count = profile->label_count + 2;
    MESSAGES(otlp, count, Gs__OtlpKeyValue, gs__otlp_key_value__init, list, pointers)
    MESSAGES(otlp, count, Gs__OtlpValue, gs__otlp_value__init, values, value_pointers)
    if (otlp->failed)
        return;
    for (size_t i = 0; i < count; i++) {
        list[i].key = (char *)(i == 0 ? "service.name" : i == 1 ? "process.pid" : profile->labels[i - 2].name);
        list[i].value = value_pointers[i];
        values[i].value_case = GS__OTLP_VALUE__VALUE_STRING_VALUE;
        values[i].string_value = i == 0 ? profile->service : i > 1 ? profile->labels[i - 2].value : NULL;
    }
    values[1].value_case = GS__OTLP_VALUE__VALUE_INT_VALUE;
    values[1].int_value = profile->pid;
    otlp->resource.n_attributes = count;
    otlp->resource.attributes = pointers;
}

/* The samples that have a value of that type. */
static void put_samples(struct otlp *otlp, size_t type, Gs__OtlpProfile *profile)
{
    const Gs__Profile *from = otlp->from;
    MESSAGES(otlp, from->n_sample, Gs__OtlpSample, gs__otlp_sample__init, list, pointers)
    if (otlp->failed)
        return;
    for (size_t i = 0; i < from->n_sample; i++) {
        const Gs__Sample *sample = from->sample[i];
        if (type >= sample->n_value || sample->value[type] == 0)
            continue;
        Gs__OtlpSample *made = &list[profile->n_samples++];
        made->stack_index = (int32_t)i + 1;
        made->n_attribute_indices = otlp->attribute[i] > 0;
        made->attribute_indices = &otlp->attribute[i];
        made->n_values = 1;
        made->values = &sample->value[type];
    }
    profile->samples = pointers;
}

static Gs__OtlpValueType *value_type(struct otlp *otlp, const Gs__ValueType *from)
{
    Gs__OtlpValueType *made = piece(otlp, 1, sizeof *made);
    if (!made || !from)
        return made;
    gs__otlp_value_type__init(made);
    made->type_strindex = entry((uint64_t)from->type, otlp->from->n_string_table);
    made->unit_strindex = entry((uint64_t)from->unit, otlp->from->n_string_table);
    return made;
}

static void put_profile(struct otlp *otlp, size_t type, Gs__OtlpProfile *profile, uint8_t id[GS_PUSH_ID])
{
    const Gs__Profile *from = otlp->from;
    memcpy(id, otlp->profile->id, GS_PUSH_ID);
    id[0] ^= (uint8_t)type;
    profile->sample_type = value_type(otlp, from->sample_type[type]);
    profile->period_type = from->period_type ? value_type(otlp, from->period_type) : NULL;
    profile->period = from->period;
    profile->time_unix_nano = (uint64_t)from->time_nanos;
    profile->duration_nano = (uint64_t)from->duration_nanos;
    profile->profile_id = (ProtobufCBinaryData){GS_PUSH_ID, id};
    put_samples(otlp, type, profile);
}

/* With gzip. */
static enum gs_status pack(const Gs__OtlpExport *export, struct gs_push_message *message)
{
    z_stream stream = {0};
    size_t len = gs__otlp_export__get_packed_size(export);
    uint8_t *bytes = malloc(len + 1);
    if (!bytes || len > INT32_MAX ||
        deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(bytes);
        return GS_NO_MEMORY;
    }
    stream.next_in = bytes;
    stream.avail_in = (unsigned)gs__otlp_export__pack(export, bytes);
    size_t room = deflateBound(&stream, len);
    message->body = malloc(room);
    stream.next_out = message->body;
    stream.avail_out = (unsigned)room;
    bool packed = message->body && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    message->len = stream.total_out;
    deflateEnd(&stream);
    free(bytes);
    return packed ? GS_OK : GS_NO_MEMORY;
}

static enum gs_status export(struct otlp *otlp, struct gs_push_message *message) {
    size_t count = otlp->from->n_sample_type; Gs__OtlpScope scope = GS__OTLP_SCOPE__INIT;
    Gs__OtlpScopeProfiles scoped = GS__OTLP_SCOPE_PROFILES__INIT, *scopes = &scoped;
    Gs__OtlpResourceProfiles resource = GS__OTLP_RESOURCE_PROFILES__INIT, *resources = &resource;
    Gs__OtlpExport all = GS__OTLP_EXPORT__INIT;
    MESSAGES(otlp, count, Gs__OtlpProfile, gs__otlp_profile__init, list, pointers)
        uint8_t(*ids)[GS_PUSH_ID] = piece(otlp, count, sizeof *ids);
    for (size_t i = 0; i < count && !otlp->failed; i++) put_profile(otlp, i, &list[i], ids[i]);
    if (otlp->failed) return GS_NO_MEMORY;
    scope.name = (char *)"gilspy";
    scope.version = (char *)GILSPY_VERSION;
    scoped.scope = &scope;
    scoped.n_profiles = count;
    scoped.profiles = pointers;
    resource.resource = &otlp->resource;
    resource.n_scope_profiles = 1;
    resource.scope_profiles = &scopes;
    all.n_resource_profiles = 1;
    all.resource_profiles = &resources;
    all.dictionary = &otlp->dictionary;
    return pack(&all, message);
}

enum { TYPES_MOST = 5 /* of a sample; pieces has room for so many */ };

static enum gs_status encode(const struct gs_push_profile *profile, struct gs_push_message *message)
{
    struct otlp otlp = {.profile = profile, .from = gs_push_unpack(profile)};
    enum gs_status status = otlp.from && otlp.from->n_sample_type <= TYPES_MOST ? GS_OK : GS_FAILED;
    gs__otlp_dictionary__init(&otlp.dictionary);
    gs__otlp_resource__init(&otlp.resource);
    message->content_type = "application/x-protobuf";
    message->gzip = true;
    message->header = "Otlp-Profiles-Development-Version: 1";
    message->path = strdup("/v1development/profiles");
    if (!status) {
        otlp.dictionary.n_string_table = otlp.from->n_string_table;
        otlp.dictionary.string_table = otlp.from->string_table;
        put_functions(&otlp);
        put_mappings(&otlp);
        put_locations(&otlp);
        put_links(&otlp);
        put_stacks(&otlp);
        put_attributes(&otlp);
        put_resource(&otlp);
        status = message->path && !otlp.failed ? export(&otlp, message) : GS_NO_MEMORY;
    }
    while (otlp.piece_count > 0)
        free(otlp.pieces[--otlp.piece_count]);
    if (otlp.from)
        gs__profile__free_unpacked(otlp.from, NULL);
    return status;
}

static bool taken(const struct gs_http_answer *answer, char why[GS_HTTP_WHY])
{
    Gs__OtlpExported *exported = gs__otlp_exported__unpack(NULL, answer->len, answer->body);
    const Gs__OtlpPartialSuccess *part = exported ? exported->partial_success : NULL;
    bool refused = part && part->rejected_profiles > 0, whole = exported && !refused;
    if (!exported)
        snprintf(why, GS_HTTP_WHY, "what answers does not speak OTLP");
    else if (refused)
        snprintf(why, GS_HTTP_WHY, "it rejected %lld of them: %s", (long long)part->rejected_profiles,
                 part->error_message);
    if (exported)
        gs__otlp_exported__free_unpacked(exported, NULL);
    return whole;
}

const struct gs_push_protocol gs_push_otlp = {
    .name = "otlp",
    .encode = encode,
    .taken = taken,
    .wanted = "an OpenTelemetry Collector that takes profiles in v1development, as 0.162 does with "
              "--feature-gates=service.profilesSupport",
};
