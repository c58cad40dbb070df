/* A file of options: TOML, whose keys are the long names of options. */
#ifndef GS_CMD_CONFIG_H
#define GS_CMD_CONFIG_H

#include "cmd/args.h"

/* Applies what the file args->config has to the options of `allowed` that the command line has not given. Of TOML 1.0
 * it knows what options need: keys without quotes, strings on one line, numbers, true and false, lists of these; all
 * else is refused with its line. An option that can be repeated takes a list; one without a value, true or false.
 * GS_USAGE: something is wrong with the text; GS_FAILED: it cannot be read; GS_NO_MEMORY. err is filled. */
enum gs_status gs_config_read(struct gs_args *args, uint64_t allowed, struct gs_err *err) GS_MUST_CHECK;

#endif
