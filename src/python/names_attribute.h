/* The attributes of an instance, wherever its Python keeps them. */
#ifndef GILSPY_PYTHON_NAMES_ATTRIBUTE_H
#define GILSPY_PYTHON_NAMES_ATTRIBUTE_H

#include "python/dict.h"

/* Opens what holds the attributes of an object itself. False: there is nothing. */
bool gs_attributes_open(struct gs_dict *dict, const struct gs_layout *layout, struct gs_mem *mem,
                        struct gs_types *types, gs_addr object) GS_MUST_CHECK;
/* The object that is the attribute `name` of `object` itself, not of its class; 0 when there is none. */
gs_addr gs_attribute_find(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                          const char *name);
/* The name of the attribute of `object` that is `value`. */
bool gs_attribute_name_of(const struct gs_layout *layout, struct gs_mem *mem, struct gs_types *types, gs_addr object,
                          gs_addr value, char *name, size_t size);

#endif
