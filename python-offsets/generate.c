/* gilspy-offsets: prints python-offsets/cpython-X.Y.def from the debug information of one CPython. */
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <err.h>
#include <fcntl.h>
#include <gelf.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "types.h"

static const struct field {
    const char *id, *kind, *structs, *paths;
} fields[] = {
#define FIELD(id, kind, width, structs, paths) {#id, #kind, structs, paths},
#include "fields.def"
#undef FIELD
};

static const struct self {
    const char *macro, *id, *at, *other;
} selves[] = {
#define SELF_FIELD(id, at)      {"SELF", #id, at, NULL},
#define SELF_SUM(id, at, more)  {"SELF_SUM", #id, at, more},
#define SELF_DIFF(id, at, base) {"SELF_DIFF", #id, at, base},
#define SELF_THREADED(id, at)   {"SELF_THREADED", #id, at, NULL},
#include "self.def"
#undef SELF_FIELD
#undef SELF_SUM
#undef SELF_DIFF
#undef SELF_THREADED
};

struct python {
    Elf *elf;
    struct types types;
    uint32_t version; /* PY_VERSION_HEX */
    bool debug;
};

/* The n-th of the alternatives in "a|b|c" into name; false when there are fewer. */
static bool alternative(const char *list, size_t n, char *name, size_t size)
{
    for (; n > 0; n--) {
        list = strchr(list, '|');
        if (!list)
            return false;
        list++;
    }
    snprintf(name, size, "%.*s", (int)strcspn(list, "|"), list);
    return true;
}

static bool field_find(const struct python *python, const struct field *field, uint64_t *value)
{
    char struct_name[128], path[128];
    Dwarf_Die type, found;
    for (size_t s = 0; alternative(field->structs, s, struct_name, sizeof struct_name); s++) {
        if (!types_find(&python->types, struct_name, &type))
            continue;
        for (size_t p = 0; alternative(field->paths, p, path, sizeof path); p++) {
            if (!types_path(&python->types, &type, path, value, &found))
                continue;
            return strstr(field->kind, "_SIZE") == NULL || dwarf_aggregate_size(&found, value) == 0;
        }
    }
    return false;
}

/* ---- the version ---- */

/* The symbol's bytes in the file; false when it is not defined there. */
static bool symbol_bytes(Elf *elf, const char *name, void *dst, size_t len)
{
    for (Elf_Scn *scn = elf_nextscn(elf, NULL); scn; scn = elf_nextscn(elf, scn)) {
        GElf_Shdr shdr, home;
        GElf_Sym sym;
        if (!gelf_getshdr(scn, &shdr) || (shdr.sh_type != SHT_SYMTAB && shdr.sh_type != SHT_DYNSYM))
            continue;
        Elf_Data *table = elf_getdata(scn, NULL);
        for (int i = 0; table && gelf_getsym(table, i, &sym); i++) {
            const char *this = elf_strptr(elf, shdr.sh_link, sym.st_name);
            if (!this || strcmp(this, name) != 0 || sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE)
                continue;
            Elf_Scn *where = elf_getscn(elf, sym.st_shndx);
            Elf_Data *data = where && gelf_getshdr(where, &home) ? elf_getdata(where, NULL) : NULL;
            uint64_t at = sym.st_value - (home.sh_type != SHT_NOBITS && home.sh_addr ? home.sh_addr : 0);
            if (len == 0)
                return true;
            if (!data || !data->d_buf || at > data->d_size || len > data->d_size - at)
                continue;
            memcpy(dst, (char *)data->d_buf + at, len);
            return true;
        }
    }
    return false;
}

/* PY_VERSION_HEX of a text like 3.8.18 or 3.14.0rc1; 0 when it is none. */
static uint32_t version_parse(const char *text)
{
    unsigned major, minor, micro, serial = 0;
    int used = 0;
    if (sscanf(text, "%1u.%2u.%2u%n", &major, &minor, &micro, &used) != 3 || used == 0)
        return 0;
    const char *rest = text + used;
    uint32_t level = *rest == 'a' ? 0xa : *rest == 'b' ? 0xb : strncmp(rest, "rc", 2) == 0 ? 0xc : 0xf;
    rest += level == 0xf ? 0 : level == 0xc ? 2 : 1;
    if (level != 0xf && sscanf(rest, "%2u%n", &serial, &used) == 1)
        rest += used;
    bool known = major == 2 ? minor == 7 : major == 3 && minor >= 6;
    return known && !*rest ? major << 24 | minor << 16 | micro << 8 | level << 4 | serial : 0;
}

/* PY_VERSION as a literal among the read-only data: the end of a NUL-terminated text, for linkers merge tails. */
static uint32_t version_scan(Elf *elf)
{
    uint32_t found = 0;
    for (Elf_Scn *scn = elf_nextscn(elf, NULL); scn; scn = elf_nextscn(elf, scn)) {
        GElf_Shdr shdr;
        if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_PROGBITS || shdr.sh_flags & (SHF_EXECINSTR | SHF_WRITE) ||
            !(shdr.sh_flags & SHF_ALLOC))
            continue;
        Elf_Data *data = elf_getdata(scn, NULL);
        const char *bytes = data ? data->d_buf : NULL;
        for (size_t end = 0; bytes && end < data->d_size; end++) {
            size_t start = end;
            while (!bytes[end] && start > 0 && end - start < 12 && strchr("0123456789.abrc", bytes[start - 1]) &&
                   bytes[start - 1])
                start--;
            uint32_t version = end - start >= 5 ? version_parse(bytes + start) : 0;
            if (version && found && version != found)
                errx(1, "several texts there look like its version: give --python X.Y.Z");
            found = version ? version : found;
        }
    }
    return found;
}

/* ---- output ---- */

static void print_header(const struct python *python)
{
    GElf_Ehdr ehdr;
    if (!gelf_getehdr(python->elf, &ehdr))
        errx(1, "no ELF header");
    static const char *const levels[16] = {[0xa] = "a", [0xb] = "b", [0xc] = "rc"};
    const char *level = levels[python->version >> 4 & 0xf];
    char serial[8] = "";
    if (level)
        snprintf(serial, sizeof serial, "%s%u", level, (unsigned)(python->version & 0xf));
    Elf_Scn *scn = NULL;
    GElf_Shdr shdr;
    bool interpreter = false;
    size_t names = 0;
    elf_getshdrstrndx(python->elf, &names);
    while ((scn = elf_nextscn(python->elf, scn)) && gelf_getshdr(scn, &shdr)) {
        const char *name = elf_strptr(python->elf, names, shdr.sh_name);
        interpreter |= name && strcmp(name, ".interp") == 0;
    }
    const char *kind = ehdr.e_type == ET_REL ? "an object file compiled against its internal headers"
                       : interpreter         ? "its static executable"
                                             : "its shared library";
    printf("/* CPython %u.%u.%u%s, %s build, %s.\n * Made by gilspy-offsets from the debug information of %s;\n"
           " * script/offsets checks it. */\n",
           python->version >> 24, python->version >> 16 & 0xff, python->version >> 8 & 0xff, serial,
           python->debug ? "debug" : "release", ehdr.e_machine == EM_AARCH64 ? "aarch64" : "x86-64", kind);
}

/* Offsets inside objects are written as with an object head of 16 bytes, whatever this build's is. */
static void print_offsets(const struct python *python)
{
    static const struct field type = {.kind = "OBJ", .structs = "PyObject|_object", .paths = "ob_type"};
    uint64_t head_type, value;
    if (!field_find(python, &type, &head_type))
        errx(1, "there is no PyObject in the debug information");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!field_find(python, &fields[i], &value))
            continue;
        if (strncmp(fields[i].kind, "OBJ", 3) == 0)
            value -= head_type - 8;
        printf("OFFSET(%s, %" PRIu64 ")\n", fields[i].id, value);
    }
}

static void print_selves(const struct python *python)
{
    Dwarf_Die type, found;
    Dwarf_Word bytes;
    if (!types_find(&python->types, "_Py_DebugOffsets", &type) || dwarf_aggregate_size(&type, &bytes) != 0)
        return;
    printf("\n/* Where the target's own table says it: byte offsets in _Py_DebugOffsets; the last of each row is that\n"
           " * of the size of the struct concerned. */\nSELF_SIZE(%" PRIu64 ")\n",
           bytes);
    for (size_t i = 0; i < sizeof selves / sizeof *selves; i++) {
        const struct self *self = &selves[i];
        char size_path[128];
        uint64_t at, other = 0, size;
        /* The memory that a field of debugger_support lies in is another section's. */
        const char *section = strncmp(self->at, "debugger_support.", 17) == 0 ? "thread_state." : self->at;
        snprintf(size_path, sizeof size_path, "%.*s.size", (int)strcspn(section, "."), section);
        if (!types_path(&python->types, &type, self->at, &at, &found) ||
            !types_path(&python->types, &type, size_path, &size, &found))
            continue;
        if (!self->other)
            printf("%s(%s, %" PRIu64 ", %" PRIu64 ")\n", self->macro, self->id, at, size);
        else if (types_path(&python->types, &type, self->other, &other, &found))
            printf("%s(%s, %" PRIu64 ", %" PRIu64 ", %" PRIu64 ")\n", self->macro, self->id, at, other, size);
    }
}

/* ---- files ---- */

static Elf *elf_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
    if (!elf || elf_kind(elf) != ELF_K_ELF)
        errx(1, "%s: cannot be read as an ELF file", path);
    return elf;
}

/* The debug information of the file, or of the separate file of the same build id below root. libdwfl also applies the
 * relocations that an object file still has. */
static Dwarf *dwarf_open(const char *path, const char *root)
{
    char *roots = strdup(root); /* libdwfl wants to change where it points to */
    const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                      .find_debuginfo = dwfl_standard_find_debuginfo,
                                      .section_address = dwfl_offline_section_address,
                                      .debuginfo_path = &roots};
    Dwarf_Addr bias;
    Dwfl *dwfl = roots ? dwfl_begin(&callbacks) : NULL;
    Dwfl_Module *module = dwfl ? dwfl_report_offline(dwfl, "", path, -1) : NULL;
    if (module)
        dwfl_report_end(dwfl, NULL, NULL);
    Dwarf *dwarf = module ? dwfl_module_getdwarf(module, &bias) : NULL;
    if (!dwarf)
        errx(1, "%s: it has no debug information, and %s has none for it", path, root);
    return dwarf;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"debug-root", required_argument, NULL, 'r'},
                                            {"python", required_argument, NULL, 'p'},
                                            {"module", required_argument, NULL, 'm'},
                                            {NULL, 0, NULL, 0}};
    struct python python = {0};
    const char *root = "/usr/lib/debug", *module = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'r')
            root = optarg;
        else if (option == 'm')
            module = optarg;
        else if (option != 'p' || !(python.version = version_parse(optarg)))
            return 2;
    }
    if (argc - optind < 1 || argc - optind > 2) {
        fprintf(stderr, "usage: gilspy-offsets [--python X.Y.Z] [--debug-root DIR] [--module FILE] FILE [DEBUGFILE]\n");
        return 2;
    }
    elf_version(EV_CURRENT);
    const char *file = argv[optind];
    python.elf = elf_open(file);
    Dwarf *dwarf = dwarf_open(argc - optind == 2 ? argv[optind + 1] : file, root);
    uint64_t word;
    if (!python.version)
        python.version =
            symbol_bytes(python.elf, "Py_Version", &word, sizeof word) ? (uint32_t)word : version_scan(python.elf);
    if (!python.version)
        errx(1, "%s: which Python it is cannot be told: give --python X.Y.Z", file);
    python.debug = symbol_bytes(python.elf, "_Py_NegativeRefcount", NULL, 0);
    types_index(&python.types, dwarf);
    if (module)
        types_index(&python.types, dwarf_open(module, root));
    print_header(&python);
    print_offsets(&python);
    print_selves(&python);
    return 0;
}
