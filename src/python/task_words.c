/* The functions of asyncio, trio, gevent and eventlet that tasks wait in, and what their variables say of it.
 * Sources: Lib/asyncio (3.7-3.15): tasks.py, locks.py, queues.py, streams.py, taskgroups.py, selector_events.py; trio
 * (0.22-0.35): _sync.py, _channel.py, _timeouts.py, _core; gevent (22.10-26.9): hub.py, lock.py, thread.py,
 * _socketcommon.py, _socket3.py; eventlet 0.41. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "python/dict.h"
#include "python/locks.h"
#include "python/names_attribute.h"
#include "python/slots.h"
#include "python/task_words.h"
#include "python/values_int.h"

enum {
    LOOKED_AT = 6, /* frames from the innermost outwards, as long as they are the library's */
    VARIABLES_MOST = 64,
    BASES_MOST = 8,
    SET_ENTRIES = 512
};

struct waiting {
    struct gs_awaits *awaits;
    const struct gs_frame *frame, *outer; /* outer: who called it, NULL: nobody that is known */
    double now_s;
    struct gs_await *wait;
    struct gs_members *members;
};

/* ---- what variables and attributes hold ---- */

/* Where a name is in a tuple of the code object; -1: nowhere. *count: how many it has. */
static int find_name(struct gs_awaits *awaits, gs_addr code, int32_t field, const char *name, int *count)
{
    const struct gs_layout *layout = awaits->layout;
    gs_addr tuple, names[VARIABLES_MOST];
    uint64_t size;
    char text[32];
    *count = 0;
    if (field == GS_ABSENT || gs_mem_read_addr(awaits->mem, code + (gs_addr)field, &tuple) ||
        gs_mem_read_addr(awaits->mem, tuple + (gs_addr)layout->ob_size, &size))
        return -1;
    *count = size < VARIABLES_MOST ? (int)size : VARIABLES_MOST;
    if (*count == 0 ||
        gs_mem_read(awaits->mem, tuple + (gs_addr)layout->tuple_items, names, (size_t)*count * sizeof *names))
        return -1;
    for (int i = 0; i < *count; i++) {
        if (gs_str_read(layout, awaits->mem, names[i], text, sizeof text) == GS_OK && strcmp(text, name) == 0)
            return i;
    }
    return -1;
}

static gs_addr slot_at(struct gs_awaits *awaits, const struct gs_frame *frame, int slot)
{
    const struct gs_layout *layout = awaits->layout;
    int32_t locals = layout->if_localsplus != GS_ABSENT ? layout->if_localsplus : layout->fo_localsplus;
    return slot < 0 ? 0 : frame->frame + (gs_addr)(locals + 8 * slot);
}

static gs_addr value_at(struct gs_awaits *awaits, const struct gs_frame *frame, int slot)
{
    const struct gs_layout *layout = awaits->layout;
    struct gs_type type;
    gs_addr value, at = slot_at(awaits, frame, slot);
    if (at == 0 || gs_mem_read_addr(awaits->mem, at, &value))
        return 0;
    value &= ~(gs_addr)(uint32_t)layout->ref_tag_mask;
    if (value != 0 && gs_type_of(&awaits->types, layout, awaits->mem, value, &type) &&
        gs_type_named(&type, awaits->mem, "cell") &&
        gs_mem_read_addr(awaits->mem, value + (gs_addr)layout->cell_ref, &value))
        return 0;
    return value;
}

/* *count: variables that have a name there. */
static int find_variable(struct gs_awaits *awaits, const struct gs_frame *frame, const char *name, int *count)
{
    const struct gs_layout *layout = awaits->layout;
    const bool one = layout->co_localsplusnames != GS_ABSENT;
    return find_name(awaits, frame->code, one ? layout->co_localsplusnames : layout->co_varnames, name, count);
}

gs_addr gs_task_variable_at(struct gs_awaits *awaits, const struct gs_frame *frame, const char *name)
{
    int count;
    return slot_at(awaits, frame, find_variable(awaits, frame, name, &count));
}

/* Up to 3.10 variables that inner functions use lie behind the others, arguments among them. */
gs_addr gs_task_variable(struct gs_awaits *awaits, const struct gs_frame *frame, const char *name)
{
    const struct gs_layout *layout = awaits->layout;
    const bool one = layout->co_localsplusnames != GS_ABSENT;
    int count, more;
    gs_addr value = value_at(awaits, frame, find_variable(awaits, frame, name, &count));
    if (value != 0 || one || count == VARIABLES_MOST)
        return value;
    int slot = find_name(awaits, frame->code, layout->co_cellvars, name, &more);
    return slot >= 0 ? value_at(awaits, frame, count + slot) : 0;
}

gs_addr gs_task_attribute(struct gs_awaits *awaits, gs_addr object, const char *name)
{
    gs_addr value = object == 0 ? 0 : gs_attribute_find(awaits->layout, awaits->mem, &awaits->types, object, name);
    struct gs_type type;
    if (value == 0 && object != 0)
        value = gs_slot_find(awaits->layout, awaits->mem, &awaits->types, object, name);
    return value != 0 && gs_type_of(&awaits->types, awaits->layout, awaits->mem, value, &type) &&
                   gs_type_named(&type, awaits->mem, "NoneType")
               ? 0
               : value;
}

static gs_addr variable(const struct waiting *w, const char *name)
{
    return gs_task_variable(w->awaits, w->frame, name);
}

static gs_addr attribute(const struct waiting *w, gs_addr object, const char *name)
{
    return gs_task_attribute(w->awaits, object, name);
}

/* The last component of the name of an object's class. */
static void class_of(const struct waiting *w, gs_addr object, char *name, size_t size)
{
    struct gs_type type;
    char whole[64];
    snprintf(name, size, "object");
    if (object == 0 || !gs_type_of(&w->awaits->types, w->awaits->layout, w->awaits->mem, object, &type) ||
        gs_mem_read_cstr(w->awaits->mem, type.name, whole, sizeof whole))
        return;
    const char *dot = strrchr(whole, '.');
    const char *last = dot ? dot + 1 : whole;
    snprintf(name, size, "%.*s", (int)size - 1, last);
}

bool gs_task_number(struct gs_awaits *awaits, gs_addr object, double *number)
{
    const struct gs_layout *layout = awaits->layout;
    struct gs_type type;
    struct gs_int whole;
    if (object == 0 || !gs_type_of(&awaits->types, layout, awaits->mem, object, &type))
        return false;
    if (gs_type_named(&type, awaits->mem, "float"))
        return gs_mem_read(awaits->mem, object + (gs_addr)layout->float_value, number, sizeof *number) == GS_OK;
    if (!gs_int_is(layout, &type) || gs_int_read(layout, awaits->mem, &type, object, &whole) || whole.bits > 64)
        return false;
    *number = whole.negative ? -(double)whole.magnitude : (double)whole.magnitude;
    return true;
}

bool gs_timer_due(struct gs_awaits *awaits, gs_addr timer, double *due_s)
{
    gs_addr when = timer != 0 ? gs_slot_find(awaits->layout, awaits->mem, &awaits->types, timer, "_when") : 0;
    return gs_task_number(awaits, when, due_s);
}

/* ---- groups ---- */

/* Takes each that is not 0; `step`: words from one to the next. */
static void take_members(struct gs_members *members, const gs_addr *list, size_t count, size_t step)
{
    for (size_t i = 0; i < count && members->count < GS_MEMBERS_MOST; i++) {
        if (list[i * step] != 0)
            members->at[members->count++] = list[i * step];
    }
}

/* The items of a list or a set, as far as there is room; how many it has altogether, 0: it is neither. */
static uint64_t read_members(const struct waiting *w, gs_addr group)
{
    const struct gs_layout *layout = w->awaits->layout;
    gs_addr at, words[2 * SET_ENTRIES];
    struct gs_type type;
    uint64_t count, mask;
    if (group == 0 || !gs_type_of(&w->awaits->types, layout, w->awaits->mem, group, &type))
        return 0;
    if (gs_type_has(&type, GS_TYPE_LIST)) {
        if (gs_mem_read_addr(w->awaits->mem, group + (gs_addr)layout->ob_size, &count) ||
            gs_mem_read_addr(w->awaits->mem, group + (gs_addr)layout->list_items, &at))
            return 0;
        size_t some = count < GS_MEMBERS_MOST ? (size_t)count : GS_MEMBERS_MOST;
        if (some > 0 && gs_mem_read(w->awaits->mem, at, words, some * sizeof *words) == GS_OK)
            take_members(w->members, words, some, 1);
        return count;
    }
    if (!gs_type_named(&type, w->awaits->mem, "set") ||
        gs_mem_read_addr(w->awaits->mem, group + (gs_addr)layout->set_used, &count) ||
        gs_mem_read_addr(w->awaits->mem, group + (gs_addr)layout->set_mask, &mask) ||
        gs_mem_read_addr(w->awaits->mem, group + (gs_addr)layout->set_table, &at))
        return 0;
    size_t some = mask < SET_ENTRIES ? (size_t)mask + 1 : SET_ENTRIES;
    if (gs_mem_read(w->awaits->mem, at, words, 2 * some * sizeof *words) == GS_OK)
        take_members(w->members, words, some, 2);
    return count;
}

/* ---- the words ---- */

__attribute__((format(printf, 4, 5))) static void say(const struct waiting *w, enum gs_await_kind kind, gs_addr object,
                                                      const char *format, ...)
{
    va_list list;
    w->wait->kind = kind;
    w->wait->object = object;
    va_start(list, format);
    vsnprintf(w->wait->words, sizeof w->wait->words, format, list);
    va_end(list);
}

static void say_lock(const struct waiting *w)
{
    gs_addr self = variable(w, "self");
    char name[32];
    class_of(w, self, name, sizeof name);
    say(w, GS_AWAIT_LOCK, self, "%s", name);
    w->wait->owner = attribute(w, self, "_owner"); /* trio, and RLock of gevent */
}

static void say_event(const struct waiting *w)
{
    gs_addr self = variable(w, "self");
    char name[32];
    class_of(w, self, name, sizeof name);
    say(w, GS_AWAIT_EVENT, self, "%s", name);
}

static void say_queue(const struct waiting *w, const char *what)
{
    gs_addr self = variable(w, "self");
    char name[32];
    class_of(w, self, name, sizeof name);
    say(w, GS_AWAIT_QUEUE, self, "%s %s", what, name);
}

static void say_get(const struct waiting *w)
{
    say_queue(w, "get from an empty");
}

static void say_put(const struct waiting *w)
{
    say_queue(w, "put into a full");
}

static void say_join(const struct waiting *w)
{
    say_queue(w, "join of a");
}

static void say_left(const struct waiting *w, double due_s)
{
    say(w, GS_AWAIT_SLEEP, 0, "sleep, %.1f s left", due_s > w->now_s ? due_s - w->now_s : 0.0);
    w->wait->due_s = due_s;
}

static void say_sleep(const struct waiting *w)
{
    double delay, due;
    if (w->now_s > 0 && gs_timer_due(w->awaits, variable(w, "h"), &due))
        say_left(w, due);
    else if (gs_task_number(w->awaits, variable(w, "delay"), &delay))
        say(w, GS_AWAIT_SLEEP, 0, "sleep of %.6g s", delay);
    else
        say(w, GS_AWAIT_SLEEP, 0, "sleep");
}

/* Up to 3.11 it makes a task of what is to be waited for. */
static void say_wait_for(const struct waiting *w)
{
    gs_addr inner = variable(w, "fut");
    enum gs_awaitable kind = gs_awaitable_kind(w->awaits, inner);
    bool task = kind == GS_AWAITABLE_TASK || kind == GS_AWAITABLE_PURE_TASK;
    say(w, task ? GS_AWAIT_TASK : GS_AWAIT_FUTURE, inner, "wait_for");
}

static void say_wait(const struct waiting *w)
{
    uint64_t count = read_members(w, variable(w, "fs"));
    say(w, GS_AWAIT_GATHER, 0, "wait for %llu", (unsigned long long)count);
}

static void say_group(const struct waiting *w)
{
    gs_addr self = variable(w, "self");
    uint64_t count = read_members(w, attribute(w, self, "_tasks"));
    say(w, GS_AWAIT_GATHER, self, "TaskGroup of %llu", (unsigned long long)count);
}

/* The address of the other end: the transport's extra information peername, a tuple of a str and an int, or a path. */
static bool read_peer(const struct waiting *w, gs_addr transport, char *peer, size_t size)
{
    const struct gs_layout *layout = w->awaits->layout;
    struct gs_dict dict;
    struct gs_type type;
    gs_addr extra = attribute(w, transport, "_extra"), items[2], name = 0;
    double port;
    if (extra != 0 && gs_dict_open(&dict, layout, w->awaits->mem, extra))
        name = gs_dict_find(&dict, &w->awaits->types, "peername");
    if (name == 0 || !gs_type_of(&w->awaits->types, layout, w->awaits->mem, name, &type))
        return false;
    if (gs_type_has(&type, GS_TYPE_UNICODE))
        return gs_str_read(layout, w->awaits->mem, name, peer, size) == GS_OK && peer[0];
    char host[48];
    uint64_t count;
    if (!gs_type_has(&type, GS_TYPE_TUPLE) ||
        gs_mem_read_addr(w->awaits->mem, name + (gs_addr)layout->ob_size, &count) || count < 2 ||
        gs_mem_read(w->awaits->mem, name + (gs_addr)layout->tuple_items, items, sizeof items) ||
        gs_str_read(layout, w->awaits->mem, items[0], host, sizeof host) || !gs_task_number(w->awaits, items[1], &port))
        return false;
    snprintf(peer, size, strchr(host, ':') ? "[%s]:%.0f" : "%s:%.0f", host, port);
    return true;
}

static void say_peer(const struct waiting *w, const char *what, const char *otherwise)
{
    gs_addr self = variable(w, "self"), transport = attribute(w, self, "_transport");
    char peer[64];
    if (read_peer(w, transport, peer, sizeof peer))
        say(w, GS_AWAIT_IO, transport, "%s %s", what, peer);
    else
        say(w, GS_AWAIT_IO, transport, "%s", otherwise);
}

static void say_read(const struct waiting *w)
{
    say_peer(w, "read from", "read from a stream");
}

static void say_write(const struct waiting *w)
{
    say_peer(w, "write to", "write to a stream");
}

/* PySocketSockObject begins with its descriptor (Modules/socketmodule.h, 3.7-3.15). 0: it is no socket. */
static int32_t socket_descriptor(const struct waiting *w, gs_addr socket)
{
    const struct gs_layout *layout = w->awaits->layout;
    gs_addr at;
    uint32_t descriptor;
    struct gs_type type;
    if (socket == 0 || layout->tp_base == GS_ABSENT ||
        gs_mem_read_addr(w->awaits->mem, socket + (gs_addr)layout->ob_type, &at))
        return 0;
    for (int i = 0; i < BASES_MOST && gs_type_get(&w->awaits->types, layout, w->awaits->mem, at, &type); i++) {
        if (gs_type_named(&type, w->awaits->mem, "_socket.socket"))
            return gs_mem_read_u32(w->awaits->mem, socket + (gs_addr)layout->head_bytes, &descriptor) == GS_OK
                       ? (int32_t)descriptor
                       : 0;
        if (gs_mem_read_addr(w->awaits->mem, at + (gs_addr)layout->tp_base, &at))
            break;
    }
    return 0;
}

/* object: a number, a socket, or what has one: as gevent and eventlet. */
static void say_socket(const struct waiting *w, const char *words, gs_addr object)
{
    struct gs_type type;
    double number;
    say(w, GS_AWAIT_IO, 0, "%s", words);
    if (object == 0 || !gs_type_of(&w->awaits->types, w->awaits->layout, w->awaits->mem, object, &type))
        return;
    if (gs_type_has(&type, GS_TYPE_LONG) && gs_task_number(w->awaits, object, &number) && number < INT32_MAX)
        w->wait->descriptor = (int32_t)number;
    static const char *const attributes[] = {NULL, "_sock", "fd"};
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes && w->wait->descriptor == 0; i++)
        w->wait->descriptor = socket_descriptor(w, attributes[i] ? attribute(w, object, attributes[i]) : object);
}

static void say_receive(const struct waiting *w)
{
    gs_addr socket = variable(w, "sock"); /* asyncio's */
    say_socket(w, "read from a socket", socket != 0 ? socket : variable(w, "self"));
}

static void say_send(const struct waiting *w)
{
    gs_addr socket = variable(w, "sock");
    say_socket(w, "write to a socket", socket != 0 ? socket : variable(w, "self"));
}

static void say_connect(const struct waiting *w)
{
    say(w, GS_AWAIT_IO, 0, "connect");
}

static void say_accept(const struct waiting *w)
{
    say(w, GS_AWAIT_IO, 0, "connections");
}

static void say_process(const struct waiting *w)
{
    say(w, GS_AWAIT_OTHER, 0, "end of a process");
}

static void say_thread(const struct waiting *w)
{
    say(w, GS_AWAIT_FUTURE, 0, "work of another thread");
}

static void say_seconds(const struct waiting *w)
{
    double delay;
    if (gs_task_number(w->awaits, variable(w, "seconds"), &delay))
        say(w, GS_AWAIT_SLEEP, 0, "sleep of %.6g s", delay);
    else
        say(w, GS_AWAIT_SLEEP, 0, "sleep");
}

/* Of trio's sleep_until, which sleep calls. */
static void say_deadline(const struct waiting *w)
{
    double due, delay;
    if (w->now_s > 0 && gs_task_number(w->awaits, variable(w, "deadline"), &due))
        say_left(w, due);
    else if (w->outer && gs_task_number(w->awaits, gs_task_variable(w->awaits, w->outer, "seconds"), &delay))
        say(w, GS_AWAIT_SLEEP, 0, "sleep of %.6g s", delay);
    else
        say(w, GS_AWAIT_SLEEP, 0, "sleep");
}

static void say_nursery(const struct waiting *w)
{
    gs_addr self = variable(w, "self");
    uint64_t count = read_members(w, attribute(w, self, "_children"));
    w->members->count = 0; /* each child says itself whose it is */
    say(w, GS_AWAIT_GATHER, self, "nursery of %llu", (unsigned long long)count);
}

static void say_receive_from(const struct waiting *w)
{
    say_queue(w, "receive from");
}

static void say_send_to(const struct waiting *w)
{
    say_queue(w, "send to");
}

static void say_ready_to_read(const struct waiting *w)
{
    say_socket(w, "read from a file descriptor", variable(w, "fd"));
}

static void say_ready_to_write(const struct waiting *w)
{
    say_socket(w, "write to a file descriptor", variable(w, "fd"));
}

static void say_select(const struct waiting *w)
{
    say(w, GS_AWAIT_IO, 0, "select");
}

static void say_trampoline(const struct waiting *w)
{
    gs_addr writes = variable(w, "write");
    struct gs_type type;
    double yes = 0;
    bool known = writes != 0 && gs_type_of(&w->awaits->types, w->awaits->layout, w->awaits->mem, writes, &type) &&
                 gs_type_has(&type, GS_TYPE_LONG) && gs_task_number(w->awaits, writes, &yes);
    say_socket(w, known && yes != 0 ? "write to a socket" : "read from a socket", variable(w, "fd"));
}

static const struct place {
    const char *file, *function;
    void (*say)(const struct waiting *w);
} asyncio_places[] =
    {
        {"locks.py", "acquire", say_lock},
        {"locks.py", "wait", say_event},
        {"locks.py", "_block", say_event},
        {"locks.py", "_wait", say_event},
        {"queues.py", "get", say_get},
        {"queues.py", "put", say_put},
        {"queues.py", "join", say_join},
        {"tasks.py", "sleep", say_sleep},
        {"tasks.py", "wait_for", say_wait_for},
        {"tasks.py", "_wait", say_wait},
        {"tasks.py", "_cancel_and_wait", say_wait_for},
        {"taskgroups.py", "__aexit__", say_group},
        {"taskgroups.py", "_aexit", say_group},
        {"streams.py", "_wait_for_data", say_read},
        {"streams.py", "_drain_helper", say_write},
        {"streams.py", "drain", say_write},
        {"selector_events.py", "sock_recv", say_receive},
        {"selector_events.py", "sock_recv_into", say_receive},
        {"selector_events.py", "sock_recvfrom", say_receive},
        {"selector_events.py", "sock_recvfrom_into", say_receive},
        {"selector_events.py", "sock_sendall", say_send},
        {"selector_events.py", "sock_sendto", say_send},
        {"selector_events.py", "sock_connect", say_connect},
        {"selector_events.py", "sock_accept", say_accept},
        {"base_events.py", "serve_forever", say_accept},
        {"base_subprocess.py", "_wait", say_process},
        {"threads.py", "to_thread", say_thread},
        {NULL, NULL, NULL},
},
  trio_places[] =
      {
          {"_timeouts.py", "sleep_until", say_deadline},
          {"_timeouts.py", "sleep_forever", say_deadline},
          {"_sync.py", "acquire", say_lock},
          {"_sync.py", "acquire_on_behalf_of", say_lock},
          {"_sync.py", "wait", say_event},
          {"_channel.py", "receive", say_receive_from},
          {"_channel.py", "send", say_send_to},
          {"_io_epoll.py", "wait_readable", say_ready_to_read},
          {"_io_epoll.py", "wait_writable", say_ready_to_write},
          {"_run.py", "_nested_child_finished", say_nursery},
          {"_threads.py", "to_thread_run_sync", say_thread},
          {NULL, NULL, NULL},
},
  gevent_places[] =
      {
          {"hub.py", "sleep", say_seconds},
          {"lock.py", "acquire", say_lock},
          {"thread.py", "acquire", say_lock},
          {"select.py", "select", say_select},
          {"select.py", "poll", say_select},
          {"subprocess.py", "_gevent_result_wait", say_process},
          {"_socketcommon.py", "recv", say_receive},
          {"_socketcommon.py", "recv_into", say_receive},
          {"_socketcommon.py", "recvfrom", say_receive},
          {"_socketcommon.py", "recvfrom_into", say_receive},
          {"_socketcommon.py", "send", say_send},
          {"_socketcommon.py", "sendto", say_send},
          {"_socketcommon.py", "_internal_connect", say_connect},
          {"_socket3.py", "recvmsg", say_receive},
          {"_socket3.py", "recvmsg_into", say_receive},
          {"_socket3.py", "sendmsg", say_send},
          {"_socket3.py", "accept", say_accept},
          {"_socket3.py", "recv", say_receive},
          {"_socket3.py", "recv_into", say_receive},
          {"_socket3.py", "recvfrom", say_receive},
          {"_socket3.py", "send", say_send},
          {"_socket3.py", "connect", say_connect},
          {NULL, NULL, NULL},
},
  eventlet_places[] = {
      {"greenthread.py", "sleep", say_seconds},
      {"semaphore.py", "acquire", say_lock},
      {"event.py", "wait", say_event},
      {"queue.py", "get", say_get},
      {"queue.py", "put", say_put},
      {"base.py", "accept", say_accept},
      {"base.py", "connect", say_connect},
      {"__init__.py", "trampoline", say_trampoline},
      {NULL, NULL, NULL},
};

static const struct library {
    const char *folder;
    const struct place *places;
} libraries[] = {{"/asyncio", asyncio_places},          {"/trio", trio_places},
                 {"/trio/_core", trio_places},          {"/gevent", gevent_places},
                 {"/eventlet", eventlet_places},        {"/eventlet/hubs", eventlet_places},
                 {"/eventlet/greenio", eventlet_places}};

/* Where in the library that the code belongs to a task waits; *inside: it belongs to one. */
static const struct place *place_of(const struct gs_code *code, bool *inside)
{
    const char *slash = code ? strrchr(code->file, '/') : NULL;
    const struct place *place = NULL;
    for (size_t i = 0; slash && i < sizeof libraries / sizeof *libraries && !place; i++) {
        size_t len = strlen(libraries[i].folder), before = (size_t)(slash - code->file);
        if (before >= len && strncmp(slash - len, libraries[i].folder, len) == 0)
            place = libraries[i].places;
    }
    *inside = place != NULL;
    for (; place && place->file; place++) {
        if (strcmp(place->file, slash + 1) == 0 && strcmp(place->function, code->function) == 0)
            return place;
    }
    return NULL;
}

static void say_object(const struct waiting *w, gs_addr end)
{
    enum gs_awaitable kind = gs_awaitable_kind(w->awaits, end);
    char name[48];
    class_of(w, end, name, sizeof name);
    if (kind == GS_AWAITABLE_TASK || kind == GS_AWAITABLE_PURE_TASK)
        say(w, GS_AWAIT_TASK, end, "%s", "");
    else if (strcmp(name, "_GatheringFuture") == 0)
        say(w, GS_AWAIT_GATHER, end, "gather of %llu",
            (unsigned long long)read_members(w, attribute(w, end, "_children")));
    else if (kind == GS_AWAITABLE_FUTURE || kind == GS_AWAITABLE_PURE_FUTURE)
        say(w, GS_AWAIT_FUTURE, end, "%s", name);
    else if (end != 0)
        say(w, GS_AWAIT_OTHER, end, "%s", name);
    else
        say(w, GS_AWAIT_OTHER, 0, "something");
}

/* The innermost place tells; where that was called by one alike (sleep_forever by sleep), the outermost of these. */
void gs_task_wait(struct gs_awaits *awaits, const struct gs_chain *chain, gs_addr waiter, double now_s,
                  struct gs_await *wait, struct gs_members *members)
{
    struct waiting w = {.awaits = awaits, .now_s = now_s, .wait = wait, .members = members};
    const struct place *found = NULL;
    bool inside = true;
    members->count = 0;
    for (size_t i = 0; i < chain->count && i < LOOKED_AT && inside; i++) {
        const struct gs_frame *frame = &chain->frames[chain->count - 1 - i];
        const struct place *place = place_of(gs_codes_find(awaits->codes, frame->code), &inside);
        if (place && (!found || place->say == found->say)) {
            found = place;
            w.frame = frame;
            w.outer = i + 1 < chain->count ? frame - 1 : NULL;
        }
    }
    if (found)
        found->say(&w);
    else
        say_object(&w, waiter);
}
