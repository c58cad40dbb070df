/* Names of functions as a reader needs them. */
#ifndef GS_BASE_SHORTEN_H
#define GS_BASE_SHORTEN_H

#include <stdbool.h>
#include <stddef.h>

/* Of C++ and Rust: without what was filled in for templates, and without parameters. Writes the short form of a
 * demangled name into dst, cut to fit, and ends it with a NUL; names of C stay as they are.
 *
 *   unsigned long np::partition<Less, 8>(double*, long) [clone .constprop.0]   np::partition
 *   <rayon_core::latch::LockLatch as Latch>::set::<u64>                        rayon_core::latch::LockLatch::set
 */
void gs_shorten(const char *name, char *dst, size_t size);

/* What a function is called in texts: of Python "Class.method" out of its qualified name (NULL: not known), without the
 * functions that it was made in; of C and the like as gs_shorten has it, in `room`. Lives as long as what it is made
 * of. */
enum { GS_CALLED = 256 };
const char *gs_called(const char *function, const char *qualname, bool native, char room[GS_CALLED]);
/* "libc.so.6+0x1234": not the name of a function, but where in its module one lies that has none. */
bool gs_called_address(const char *function, const char *module);

#endif
