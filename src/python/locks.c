/* Reads locks: the semaphore or mutex below each, its owner, and the objects that stand for one. */
#include "python/locks.h"
#include "python/names_attribute.h"
#include "python/values_int.h"

enum {
    LOCKED = 1, /* a bit of a PyMutex: _Py_LOCKED, Include/internal/pycore_lock.h */
    /* Tags of a critical section's address: Include/internal/pycore_critical_section.h. */
    SECTION_INACTIVE = 1, /* its locks are given back for now */
    SECTION_TWO = 2,
    SECTION_TAGS = 3,
    SECTIONS_MOST = 64 /* one inside another */
};

uint64_t gs_attribute_number(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                             const char *name)
{
    struct gs_type type;
    struct gs_int number;
    gs_addr value = gs_attribute_find(layout, mem, types, object, name);
    if (value == 0 || !gs_type_of(types, layout, mem, value, &type) ||
        !gs_type_has(&type, GS_TYPE_LONG | GS_TYPE_INT) || gs_int_read(layout, mem, &type, value, &number) ||
        number.negative || number.bits > 64)
        return 0;
    return number.magnitude;
}

/* What is below a lock: a semaphore that is 0 while somebody has it (glibc: nptl/sem_waitcommon.c; in musl below that
 * while somebody waits, src/thread/sem_timedwait.c, 1.2.3), or a PyMutex. */
static bool read_word(struct gs_mem *mem, gs_addr field, int home, struct gs_lock_object *lock)
{
    uint32_t value;
    uint8_t bits;
    if (home == GS_LOCK_MUTEX) {
        lock->word = field;
        if (gs_mem_read(mem, field, &bits, sizeof bits))
            return false;
        lock->locked = bits & LOCKED;
        return true;
    }
    if (gs_mem_read_addr(mem, field, &lock->word) || gs_mem_read_u32(mem, lock->word, &value))
        return false;
    lock->locked = (int32_t)value <= 0;
    return true;
}

static bool read_recursive(const struct gs_layout *layout, struct gs_mem *mem, gs_addr object,
                           struct gs_lock_object *lock)
{
    lock->recursive = true;
    return layout->rl_word != GS_ABSENT &&
           read_word(mem, object + (gs_addr)layout->rl_word, layout->rlock_home, lock) &&
           gs_mem_read_addr(mem, object + (gs_addr)layout->rl_owner, &lock->owner) == GS_OK &&
           gs_mem_read_addr(mem, object + (gs_addr)layout->rl_count, &lock->count) == GS_OK;
}

static bool read_plain(const struct gs_layout *layout, struct gs_mem *mem, const struct gs_type *type, gs_addr object,
                       struct gs_lock_object *lock)
{
    if (layout->lk_word == GS_ABSENT)
        return false;
    bool only_word = type->basic_size - layout->lk_word == (int64_t)sizeof(gs_addr);
    return read_word(mem, object + (gs_addr)layout->lk_word, only_word ? GS_LOCK_MUTEX : GS_LOCK_SEMAPHORE, lock);
}

/* Lib/threading.py: class _RLock, 2.7's only one. */
static bool read_pure(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                      struct gs_lock_object *lock)
{
    bool mangled = layout->thread_name_mangled != 0;
    gs_addr block = gs_attribute_find(layout, mem, types, object, mangled ? "_RLock__block" : "_block");
    struct gs_type type;
    if (block == 0 || !gs_type_of(types, layout, mem, block, &type) || !read_plain(layout, mem, &type, block, lock))
        return false;
    lock->recursive = true;
    lock->owner = gs_attribute_number(layout, mem, types, object, mangled ? "_RLock__owner" : "_owner");
    lock->count = gs_attribute_number(layout, mem, types, object, mangled ? "_RLock__count" : "_count");
    return true;
}

bool gs_lock_read(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                  struct gs_lock_object *lock)
{
    struct gs_type type;
    *lock = (struct gs_lock_object){.object = object};
    if (!gs_type_of(types, layout, mem, object, &type))
        return false;
    if (gs_type_named(&type, mem, "_thread.lock") || gs_type_named(&type, mem, "thread.lock"))
        return read_plain(layout, mem, &type, object, lock);
    if (gs_type_named(&type, mem, "_thread.RLock"))
        return read_recursive(layout, mem, object, lock);
    return gs_type_named(&type, mem, "_RLock") && read_pure(layout, mem, types, object, lock);
}

gs_addr gs_method_self(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object)
{
    struct gs_type type;
    gs_addr self = 0;
    if (!gs_type_of(types, layout, mem, object, &type))
        return 0;
    if (gs_type_named(&type, mem, "builtin_function_or_method"))
        return gs_mem_read_addr(mem, object + (gs_addr)layout->cfn_self, &self) ? 0 : self;
    if (gs_type_named(&type, mem, "method") || gs_type_named(&type, mem, "instancemethod"))
        return gs_mem_read_addr(mem, object + (gs_addr)layout->method_self, &self) ? 0 : self;
    return object;
}

bool gs_lock_behind(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                    bool wrapped, struct gs_lock_object *lock, gs_addr *wrapper)
{
    struct gs_type type;
    gs_addr self = gs_method_self(layout, mem, types, object);
    *wrapper = 0;
    if (self == 0)
        return false;
    if (gs_lock_read(layout, mem, types, self, lock))
        return true;
    if (!wrapped || !gs_type_of(types, layout, mem, self, &type) ||
        !(gs_type_named(&type, mem, "Condition") || gs_type_named(&type, mem, "_Condition")))
        return false;
    *wrapper = self;
    self = gs_attribute_find(layout, mem, types, self, layout->thread_name_mangled ? "_Condition__lock" : "_lock");
    return self != 0 && gs_lock_read(layout, mem, types, self, lock);
}

bool gs_lock_around(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr word,
                    struct gs_lock_object *lock)
{
    const int32_t fields[] = {layout->lk_word, layout->rl_word};
    if (word == 0)
        return false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i] != GS_ABSENT && gs_lock_read(layout, mem, types, word - (gs_addr)fields[i], lock) &&
            lock->word == word)
            return true;
    }
    return false;
}

gs_addr gs_lock_of_object(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr word,
                          struct gs_type *type)
{
    struct gs_type meta;
    gs_addr object = word - (gs_addr)layout->ob_mutex;
    bool found = layout->ob_mutex != GS_ABSENT && object % sizeof(gs_addr) == 0 &&
                 gs_type_of(types, layout, mem, object, type) && gs_type_of(types, layout, mem, type->addr, &meta) &&
                 gs_type_has(&meta, GS_TYPE_TYPE);
    return found ? object : 0;
}

bool gs_lock_in_section(const struct gs_layout *layout, struct gs_mem *mem, gs_addr tstate, gs_addr word)
{
    gs_addr section, mutex;
    if (layout->cs_mutex2 == GS_ABSENT || layout->ts_critical_section == GS_ABSENT || tstate == 0 ||
        gs_mem_read_addr(mem, tstate + (gs_addr)layout->ts_critical_section, &section))
        return false;
    for (int i = 0; i < SECTIONS_MOST && section > SECTION_TAGS; i++) {
        gs_addr at = section & ~(gs_addr)SECTION_TAGS;
        const int32_t fields[] = {layout->cs_mutex, layout->cs_mutex2};
        for (int k = 0; k < (section & SECTION_TWO ? 2 : 1) && !(section & SECTION_INACTIVE); k++) {
            if (gs_mem_read_addr(mem, at + (gs_addr)fields[k], &mutex) == GS_OK && mutex == word)
                return true;
        }
        if (gs_mem_read_addr(mem, at + (gs_addr)layout->cs_prev, &section))
            return false;
    }
    return false;
}
