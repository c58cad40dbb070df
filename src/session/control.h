/* Whoever started gilspy has a say in its run, through one end of a pair of sockets: a line is written to it when the
 * run begins, each byte that is read asks for what there is so far, and when nobody has the other end any more the run
 * ends. */
#ifndef GS_SESSION_CONTROL_H
#define GS_SESSION_CONTROL_H

#include <stdbool.h>

/* From now on that descriptor; programs that are started do not inherit it. False: it is no open socket. */
bool gs_control_open(int fd);
/* What to wait for; -1: nothing. */
int gs_control_fd(void);
/* The run begins: that is told, once. */
void gs_control_begin(void);
/* Reads what came, without waiting for it. False: the other end is gone. */
bool gs_control_heed(void);
/* Something was asked since gs_control_answered was called. */
bool gs_control_asked(void);
void gs_control_answered(void);

#endif
