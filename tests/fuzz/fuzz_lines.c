/* The four generations of line tables. The input: which one, two bytes of the first line, the instruction, the table.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/target.h"
#include "gilspy/python.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gs_layout layout = {.line_table = size > 0 ? data[0] % 4 : 0};
    int32_t first, instr;
    if (size < 9)
        return -1;
    memcpy(&first, data + 1, sizeof first);
    memcpy(&instr, data + 5, sizeof instr);
    struct gs_code code = {.first_line = first, .line_bytes = (uint32_t)(size - 9), .lines = malloc(size - 9 + 1)};
    if (!code.lines)
        abort();
    memcpy(code.lines, data + 9, size - 9);
    if (gs_code_line(&layout, &code, instr) < 0 || gs_code_line(&layout, &code, instr % 1024) < 0)
        abort();
    free(code.lines);
    return 0;
}
