/* Bytes for the script: numbers of seven bits a byte, and all of it in letters. */
#include <stdlib.h>

#include "export/html/html.h"

void gs_pack_byte(struct gs_pack *pack, uint8_t byte)
{
    if (pack->len == pack->room) {
        size_t room = pack->room * 2 + 4096;
        uint8_t *bytes = realloc(pack->bytes, room);
        if (!bytes) {
            pack->failed = true;
            return;
        }
        pack->bytes = bytes;
        pack->room = room;
    }
    pack->bytes[pack->len++] = byte;
}

void gs_pack_number(struct gs_pack *pack, uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        gs_pack_byte(pack, (uint8_t)(number | 0x80));
    gs_pack_byte(pack, (uint8_t)number);
}

void gs_pack_base64(const struct gs_pack *pack, FILE *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < pack->len; i += 3) {
        size_t left = pack->len - i;
        uint32_t group = (uint32_t)pack->bytes[i] << 16;
        group |= left > 1 ? (uint32_t)pack->bytes[i + 1] << 8 : 0;
        group |= left > 2 ? pack->bytes[i + 2] : 0;
        putc_unlocked(letters[group >> 18], out);
        putc_unlocked(letters[group >> 12 & 63], out);
        putc_unlocked(left > 1 ? letters[group >> 6 & 63] : '=', out);
        putc_unlocked(left > 2 ? letters[group & 63] : '=', out);
        if (i / 3 % 40 == 39)
            putc_unlocked('\n', out);
    }
}
