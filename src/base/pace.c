/* Slots in time. */
#include <math.h>

#include "base/clock.h"
#include "base/pace.h"

void gs_pace_init(struct gs_pace *pace, double rate_hz, uint64_t now_ns)
{
    *pace = (struct gs_pace){.start_ns = now_ns, .random = now_ns | 1};
    if (!isinf(rate_hz))
        pace->period_ns = (uint64_t)((double)GS_NS_PER_S / rate_hz);
}

/* xorshift64: no more is needed of this randomness than that nothing keeps step with it. */
static uint64_t draw(struct gs_pace *pace)
{
    pace->random ^= pace->random << 13;
    pace->random ^= pace->random >> 7;
    pace->random ^= pace->random << 17;
    return pace->random;
}

uint64_t gs_pace_later(struct gs_pace *pace, uint64_t now_ns, uint64_t mean_ns)
{
    return pace->period_ns == 0 ? now_ns + draw(pace) % (2 * mean_ns) : gs_pace_next(pace, now_ns);
}

uint64_t gs_pace_next(struct gs_pace *pace, uint64_t now_ns)
{
    if (pace->period_ns == 0)
        return now_ns;
    uint64_t current = (now_ns - pace->start_ns) / pace->period_ns;
    pace->slot++;
    if (current > pace->slot) {
        pace->late += current - pace->slot;
        pace->slot = current;
    }
    uint64_t moment = pace->start_ns + pace->slot * pace->period_ns + draw(pace) % pace->period_ns;
    return moment > now_ns ? moment : now_ns;
}
