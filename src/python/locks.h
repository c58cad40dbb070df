/* Python's locks as objects, and where frames refer to them. Who owns an RLock stands in it; a Lock does not know. */
#ifndef GS_PYTHON_LOCKS_H
#define GS_PYTHON_LOCKS_H

#include "gilspy/python.h"
#include "python/values_type.h"

struct gs_lock_object {
    gs_addr object;
    gs_addr word;   /* of the semaphore or mutex below it: one lock, one word */
    bool recursive; /* an RLock */
    bool locked;
    uint64_t owner; /* threading's ident; 0: nobody, or a Lock */
    uint64_t count; /* how often the owner has taken it */
};

/* The lock at `object`: a Lock, an RLock, also one of Python code (2.7). False: it is none. */
bool gs_lock_read(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                  struct gs_lock_object *lock);
/* The same for an object that a frame refers to: a lock, a bound method of one, or, with `wrapped`, a Condition around
 * one or a method of that (*wrapper is the Condition then, else 0). */
bool gs_lock_behind(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                    bool wrapped, struct gs_lock_object *lock, gs_addr *wrapper);

/* The lock object that this PyMutex is a part of. */
bool gs_lock_around(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr word,
                    struct gs_lock_object *lock);
/* The object of a free-threaded build whose own lock this PyMutex is; 0: it is none. */
gs_addr gs_lock_of_object(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr word,
                          struct gs_type *type);
/* The thread with this state has the PyMutex, by one of the critical sections that it is in (free-threaded builds). */
bool gs_lock_in_section(const struct gs_layout *layout, struct gs_mem *mem, gs_addr tstate, gs_addr word);

/* The object to which a method is bound; the object itself where it is none; 0: it cannot be read. */
gs_addr gs_method_self(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object);

/* An attribute that is a whole number, 0 when there is none. */
uint64_t gs_attribute_number(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                             const char *name);

#endif
