/* System calls that are tried in a process of their own: a filter may kill whoever makes them. */
#ifndef GS_DIAGNOSE_ATTEMPT_H
#define GS_DIAGNOSE_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { GS_ATTEMPT_KILLED = -1 };

/* Forks, and runs act there: 0, what act returned (an errno; it worked when that is 0), or GS_ATTEMPT_KILLED. */
int gs_attempt(int (*act)(void));

/* A child of ours that computes and does nothing else, until gs_patient_end or until we end. *word was 0 when it was
 * called, and is 1 in the child. -1: there is none, errno says why. */
pid_t gs_patient_begin(volatile uint64_t *word);
void gs_patient_end(pid_t pid);

#endif
