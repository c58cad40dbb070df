/* The engine's recording behind the public handle. */
#ifndef GS_LIB_RECORDING_H
#define GS_LIB_RECORDING_H

#include "lib/handle.h"
#include "recording/recording.h"

struct gs_recording *gs_lib_recording(gilspy_recording *recording);

#endif
