/* Names behind which secrets are kept, and not showing those. */
#ifndef GS_BASE_SECRET_H
#define GS_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* What stands in the place of one. */
#define GS_SECRET_HIDDEN "<hidden>"

/* The name of a variable, a key or an option (`len` bytes, no need to be UTF-8) says that its value is a secret. It is
 * looked at word by word, as snake_case, camelCase and dashes divide it, in any case of letters: dbPassword, X-Api-Key,
 * AWS_SECRET_ACCESS_KEY; author and tokenize are no such names. Its last word may say that it is only about one
 * (passwords_checked, token_type), its first that it counts them (max_tokens) or says yes or no (has_password). */
bool gs_secret_name(const char *name, size_t len);

/* Hides values in a command line: of --password=VALUE, PASSWORD=VALUE, --password VALUE (also within one word, as of
 * sh -c), and the password of a URL (scheme://user:VALUE@host). Words that change are made anew: words[i] was malloc'ed
 * and is. False: out of memory. */
bool gs_secret_hide(char **words, size_t count);

#endif
