/* What a store is to a GIL: by its value, where it has one in itself, and by the register that it stores. */
#include "trace/site.h"

struct gs_site gs_site_read(const uint8_t bytes[GS_SITE_BYTES], gs_addr ip, gs_addr addr,
                            const struct gs_gil_address *address, const uint64_t *registers)
{
    struct gs_site site = {.ip = ip, .addr = addr, .kind = GS_SITE_UNKNOWN};
    uint32_t value = gs_arch_store_value(bytes);
    if (address->world && addr == address->wait) {
        site.kind = gs_arch_store_compares(bytes) ? GS_SITE_TAKE : GS_SITE_DROP;
        return site;
    }
    if (address->world)
        value = gs_arch_store_byte(bytes);
    if (addr == address->wait)
        site.kind = address->wait_reads || gs_arch_store_adds(bytes) ? GS_SITE_WAIT : GS_SITE_NOTHING;
    else if (!address->pointer)
        site.kind = value == 1 ? GS_SITE_TAKE : value == 0 ? GS_SITE_DROP : GS_SITE_UNKNOWN;
    else if (gs_arch_stores_zero(bytes, ip, addr, registers))
        site.kind = GS_SITE_DROP;
    else if (gs_arch_stores_register(bytes, ip, addr, registers, &site.from))
        site.kind = GS_SITE_EITHER;
    return site;
}

enum gs_site_kind gs_site_now(const struct gs_site *site, const uint64_t *registers)
{
    if (site->kind != GS_SITE_EITHER)
        return site->kind;
    return !registers ? GS_SITE_UNKNOWN : registers[site->from] ? GS_SITE_TAKE : GS_SITE_DROP;
}
