/* What a descriptor of the target is: a file, a pipe, a socket with its ends. */
#ifndef GS_TARGET_DESCRIPTOR_H
#define GS_TARGET_DESCRIPTOR_H

#include "gilspy/target.h"

enum { GS_DESCRIPTOR_WORDS = 320 };

/* "/var/log/app.log", "TCP 10.0.0.7:41234 to 10.0.0.9:5432", "a pipe, whose other end process 7 (nginx) has".
 * Uncleaned; false and "" where it cannot be told. */
bool gs_descriptor_words(const struct gs_target *target, int fd, char words[GS_DESCRIPTOR_WORDS]);
/* The descriptors that an epoll descriptor watches: how many, at most `room`. */
size_t gs_descriptor_watched(const struct gs_target *target, int fd, int *watched, size_t room);

#endif
