/* What gevent's greenlets wait for, where that is compiled and no frame shows it: Event, Semaphore, Queue, another
 * Greenlet keep lists of what they have to call, which are methods of the greenlets. */
#ifndef GS_PYTHON_GREENLET_LINKS_H
#define GS_PYTHON_GREENLET_LINKS_H

#include "python/awaits.h"
#include "python/tasks.h"

/* The kind of object that a class of gevent makes, by the name of it or of a base of it. GS_AWAIT_NOTHING: it is none
 * that greenlets wait for. */
enum gs_await_kind gs_greenlet_awaited(const char *type_name);

/* found(context, object, put) is called with each object behind what `waited` has to call: greenlets, and other things
 * that have methods. put: it waits to put something into a queue. */
typedef void gs_greenlet_found(void *context, gs_addr object, bool put);
void gs_greenlet_links(struct gs_awaits *awaits, gs_addr waited, gs_greenlet_found *found, void *context);

#endif
