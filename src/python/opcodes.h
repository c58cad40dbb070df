/* The instructions of bytecode, from 3.8 on. */
#ifndef GILSPY_PYTHON_OPCODES_H
#define GILSPY_PYTHON_OPCODES_H

#include "gilspy/snapshot.h"

enum { GS_OPCODE_NAME = 80 };

/* False: those of this Python are not known. */
bool gs_opcodes_known(const struct gs_layout *layout);
/* The instruction that a frame (kind Python) is at, as it stands in the target now: its specialised form, where it has
 * one. -1: not started, or its bytecode cannot be read. */
int gs_opcode_read(const struct gs_python *python, struct gs_codes *codes, const struct gs_frame *frame);
/* "LOAD_ATTR", "LOAD_ATTR_SLOT (LOAD_ATTR)" of a specialised form; "<250>" of one that is not known. */
void gs_opcode_name(const struct gs_layout *layout, int opcode, char name[GS_OPCODE_NAME]);

#endif
