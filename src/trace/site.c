/* What a store is to a GIL: by its value, where it has one in itself, and by the register that it stores. */
#include "trace/site.h"

/* Of 8 bytes it is a pointer (gil_addresses.h). */
static enum gs_site_kind kind_of(uint64_t value, uint8_t len)
{
    return value == 0 ? GS_SITE_DROP : value == 1 || len == 8 ? GS_SITE_TAKE : GS_SITE_UNKNOWN;
}

struct gs_site gs_site_read(const uint8_t bytes[GS_ARCH_STORE_BYTES], gs_addr ip, gs_addr addr,
                            const struct gs_gil_address *address, const uint64_t *registers)
{
    struct gs_site site = {.ip = ip, .addr = addr, .kind = GS_SITE_UNKNOWN, .len = address->owner_len};
    if (addr != address->wait) {
        struct gs_arch_store store = gs_arch_store(bytes, ip, addr, address->owner_len, registers);
        site.from = store.from;
        if (store.how != GS_ARCH_STORE_UNKNOWN)
            site.kind = store.how == GS_ARCH_STORE_REGISTER ? GS_SITE_EITHER : kind_of(store.value, site.len);
    } else if (address->world) {
        site.kind = gs_arch_store_compares(bytes) ? GS_SITE_TAKE : GS_SITE_DROP;
    } else {
        site.kind = address->wait_reads || gs_arch_store_adds(bytes) ? GS_SITE_WAIT : GS_SITE_NOTHING;
    }
    return site;
}

enum gs_site_kind gs_site_now(const struct gs_site *site, const uint64_t *registers)
{
    if (site->kind != GS_SITE_EITHER)
        return site->kind;
    if (!registers)
        return GS_SITE_UNKNOWN;
    return kind_of(registers[site->from] & UINT64_MAX >> (64 - 8 * site->len), site->len);
}
