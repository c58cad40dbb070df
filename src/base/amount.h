/* Times and numbers as people write them. */
#ifndef GS_BASE_AMOUNT_H
#define GS_BASE_AMOUNT_H

#include <stdint.h>

enum { GS_AMOUNT = 32 };

/* "41 s", "526 ms", "5.0 ms", "12 us", "3 h 12 min" */
void gs_amount_time(char words[GS_AMOUNT], uint64_t time_us);
/* 1234567 as 1,234,567 */
void gs_amount_number(char words[GS_AMOUNT], uint64_t number);

#endif
