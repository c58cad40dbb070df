/* Reading memory: a live process (ourselves) with holes in it, strings, the cache of pages, the test's own back end. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gilspy/mem.h"
#include "mem/metered.h"
#include "support/mem_fake.h"
#include "support/mem_script.h"
#include "support/unit.h"

enum { PAGE = 4096, MAPPED = 65536 /* of whatever size pages are */ };

/* Pages of ours: each filled with its number, every third of them not mapped. */
static uint8_t *map_pages(size_t count)
{
    uint8_t *pages = mmap(NULL, count * MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    for (size_t i = 0; i < count; i++) {
        memset(pages + i * MAPPED, (int)(i % 251), MAPPED);
        if (i % 3 == 2)
            assert_int_equal(munmap(pages + i * MAPPED, MAPPED), 0);
    }
    return pages;
}

static gs_addr addr_of(const void *pointer)
{
    return (gs_addr)(uintptr_t)pointer;
}

static void check_live(size_t count)
{
    struct gs_mem *mem = gs_mem_live_new(getpid(), NULL);
    uint8_t *pages = map_pages(count), *copies = malloc(count * 16);
    struct gs_piece *pieces = calloc(count, sizeof *pieces);
    assert_true(mem && copies && pieces);
    memset(copies, 0xee, count * 16);
    for (size_t i = 0; i < count; i++)
        pieces[i] = (struct gs_piece){addr_of(pages + i * MAPPED + 100), copies + i * 16, 16, i % 3 == 2};
    assert_int_equal(gs_mem_read_many(mem, pieces, count), GS_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pieces[i].ok, i % 3 != 2);
        for (size_t k = 0; k < 16 && pieces[i].ok; k++)
            assert_int_equal(copies[i * 16 + k], i % 251);
    }
    free(pieces);
    free(copies);
    munmap(pages, count * MAPPED);
    gs_mem_free(mem);
}

UNIT_TEST(test_live_with_holes)
{
    static const size_t counts[] = {1, 2, 3, 4, 1023, 1024, 1025, 1026, 1027, 5000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        check_live(counts[i]);
}

UNIT_TEST(test_live_only_holes)
{
    struct gs_mem *mem = gs_mem_live_new(getpid(), NULL);
    struct gs_piece pieces[3000];
    uint64_t word;
    for (size_t i = 0; i < 3000; i++)
        pieces[i] = (struct gs_piece){i % 2 ? UINT64_MAX - 7 : 8, &word, 8, true};
    assert_int_equal(gs_mem_read_many(mem, pieces, 3000), GS_OK);
    for (size_t i = 0; i < 3000; i++)
        assert_false(pieces[i].ok);
    assert_int_equal(gs_mem_read_many(mem, pieces, 0), GS_OK);
    gs_mem_free(mem);
}

UNIT_TEST(test_live_read)
{
    struct gs_mem *mem = gs_mem_live_new(getpid(), NULL);
    uint8_t *pages = map_pages(3), copy[MAPPED];
    gs_addr word;
    uint32_t half;
    assert_int_equal(gs_mem_read(mem, addr_of(pages + MAPPED), copy, MAPPED), GS_OK);
    assert_int_equal(copy[0], 1);
    assert_int_equal(copy[MAPPED - 1], 1);
    /* A piece that reaches into a hole is none. */
    assert_int_equal(gs_mem_read(mem, addr_of(pages + 2 * MAPPED - 8), copy, 9), GS_UNREADABLE);
    assert_int_equal(gs_mem_read_addr(mem, addr_of(pages + 2 * MAPPED - 8), &word), GS_OK);
    assert_int_equal(word, UINT64_C(0x0101010101010101));
    assert_int_equal(gs_mem_read_u32(mem, addr_of(pages + MAPPED - 2), &half), GS_OK);
    assert_int_equal(half, 0x01010000);
    assert_int_equal(gs_mem_read_addr(mem, 0, &word), GS_UNREADABLE);
    assert_int_equal(gs_mem_read_addr(mem, UINT64_MAX - 3, &word), GS_UNREADABLE);
    munmap(pages, 3 * MAPPED);
    gs_mem_free(mem);
}

static pid_t ended_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

UNIT_TEST(test_live_that_ended)
{
    pid_t pid = ended_process();
    struct gs_mem *mem = gs_mem_live_new(pid, NULL);
    uint64_t word = 0;
    struct gs_piece piece = {addr_of(&word), &word, 8, true};
    assert_int_equal(gs_mem_read(mem, addr_of(&word), &word, 8), GS_GONE);
    assert_int_equal(gs_mem_read_many(mem, &piece, 1), GS_GONE);
    assert_false(piece.ok);
    gs_mem_free(mem);
    gs_mem_free(NULL);
}

struct heirs {
    pid_t ended;
    int asked, dead; /* dead: so many of those that are named have ended themselves */
    pid_t last;
};

static pid_t name_heir(void *context, pid_t ended)
{
    struct heirs *heirs = context;
    assert_int_equal(ended, heirs->ended);
    return heirs->asked++ < heirs->dead ? heirs->ended : heirs->last;
}

/* Whoever is named is read by, and asked for again only when that one has ended, too. */
UNIT_TEST(test_live_goes_on)
{
    pid_t pid = ended_process();
    const struct heirs cases[] = {{pid, 0, 0, getpid()}, {pid, 0, 2, getpid()}, {pid, 0, 0, 0}, {pid, 0, 1000, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct heirs heirs = cases[i];
        enum gs_status wanted = i < 2 ? GS_OK : GS_GONE;
        uint64_t word = 77, copy = 0;
        struct gs_piece piece = {addr_of(&word), &copy, 8, false};
        struct gs_mem *mem = gs_mem_live_new(pid, NULL);
        gs_mem_live_heir(mem, name_heir, &heirs);
        assert_int_equal(gs_mem_read_many(mem, &piece, 1), wanted);
        assert_int_equal(piece.ok, !wanted);
        assert_int_equal(copy, wanted ? 0 : 77);
        int asked = heirs.asked;
        assert_in_range(asked, 1, 10);
        assert_int_equal(gs_mem_read(mem, addr_of(&word), &copy, 8), wanted);
        if (!wanted)
            assert_int_equal(heirs.asked, asked);
        gs_mem_free(mem);
    }
}

UNIT_TEST(test_strings)
{
    struct gs_mem *mem = mem_fake_new();
    char *bytes = mem_fake_map(mem, 0x10000, 256), text[300];
    memset(bytes, 'x', 256);
    /* At each distance from the end of what is mapped, terminated by the very last byte. */
    bytes[255] = '\0';
    for (size_t len = 0; len < 256; len++) {
        memset(text, '!', sizeof text);
        assert_int_equal(gs_mem_read_cstr(mem, 0x10000 + 255 - len, text, sizeof text), GS_OK);
        assert_int_equal(strlen(text), len);
    }
    /* Cut to fit. */
    for (size_t size = 1; size < 200; size++) {
        memset(text, '!', sizeof text);
        assert_int_equal(gs_mem_read_cstr(mem, 0x10003, text, size), GS_OK);
        assert_int_equal(strlen(text), size - 1);
        assert_int_equal(text[size], '!');
    }
    bytes[255] = 'x';
    assert_int_equal(gs_mem_read_cstr(mem, 0x100f0, text, sizeof text), GS_UNREADABLE);
    assert_int_equal(gs_mem_read_cstr(mem, UINT64_MAX - 5, text, sizeof text), GS_UNREADABLE);
    gs_mem_free(mem);
}

UNIT_TEST(test_metered)
{
    struct gs_mem *mem = mem_fake_new();
    struct gs_metered one, two;
    uint8_t bytes[4096];
    uint64_t left = 6;
    mem_fake_map(mem, 0x10000, sizeof bytes);
    gs_metered_init(&one, mem, &left);
    gs_metered_init(&two, mem, &left);
    assert_int_equal(gs_mem_read(&one.mem, 0x10000, bytes, 1), GS_OK);
    assert_int_equal(gs_mem_read(&two.mem, 0x10000, bytes, 511), GS_OK);
    struct gs_piece pieces[] = {{0x10000, bytes, 8, false}, {0x20000, bytes, 8, true}};
    assert_int_equal(gs_mem_read_many(&one.mem, pieces, 2), GS_OK);
    assert_true(pieces[0].ok && !pieces[1].ok);
    assert_int_equal(left, 2);
    /* A long read costs more; what cannot be paid uses up the rest. */
    assert_int_equal(gs_mem_read(&two.mem, 0x10000, bytes, sizeof bytes), GS_UNREADABLE);
    assert_int_equal(left, 0);
    assert_int_equal(gs_mem_read(&one.mem, 0x10000, bytes, 1), GS_UNREADABLE);
    assert_int_equal(gs_mem_read_many(&one.mem, pieces, 1), GS_UNREADABLE);
    left = 9;
    assert_int_equal(gs_mem_read(&two.mem, 0x10000, bytes, sizeof bytes), GS_OK);
    gs_mem_free(mem);
}

UNIT_TEST(test_cache)
{
    struct gs_mem *below = mem_fake_new(), *cache = gs_mem_cache_new(below);
    uint8_t *bytes = mem_fake_map(below, 0x40000, 4 * PAGE), copy[3 * PAGE];
    gs_addr word;
    for (size_t i = 0; i < 4 * PAGE; i++)
        bytes[i] = (uint8_t)(i / PAGE * 16 + i % 7);
    /* A hit is as old as the page; clearing makes it new. */
    mem_fake_put64(below, 0x40010, 1);
    assert_int_equal(gs_mem_read_addr(cache, 0x40010, &word), GS_OK);
    assert_int_equal(word, 1);
    mem_fake_put64(below, 0x40010, 2);
    assert_int_equal(gs_mem_read_addr(cache, 0x40010, &word), GS_OK);
    assert_int_equal(word, 1);
    gs_mem_cache_clear(cache);
    assert_int_equal(gs_mem_read_addr(cache, 0x40010, &word), GS_OK);
    assert_int_equal(word, 2);
    /* Across pages, and more than it keeps. */
    for (size_t at = PAGE - 9; at <= PAGE + 1; at++) {
        assert_int_equal(gs_mem_read(cache, 0x40000 + at, copy, 8), GS_OK);
        assert_memory_equal(copy, bytes + at, 8);
    }
    for (size_t len = PAGE; len <= 3 * PAGE; len += PAGE / 2) {
        memset(copy, 0, sizeof copy);
        assert_int_equal(gs_mem_read(cache, 0x40000 + 5, copy, len), GS_OK);
        assert_memory_equal(copy, bytes + 5, len);
    }
    /* Not mapped: the next page, the last bytes of all, and it stays so only until it is. */
    assert_int_equal(gs_mem_read(cache, 0x44000 - 4, copy, 8), GS_UNREADABLE);
    assert_int_equal(gs_mem_read(cache, UINT64_MAX - 3, copy, 8), GS_UNREADABLE);
    assert_int_equal(gs_mem_read_addr(cache, 0, &word), GS_UNREADABLE);
    mem_fake_map(below, 0x44000, PAGE);
    assert_int_equal(gs_mem_read(cache, 0x44000 - 4, copy, 8), GS_OK);
    struct gs_piece pieces[] = {{0x40010, copy, 8, false}, {0x90000, copy, 8, true}, {0x41ffc, copy + 8, 8, false}};
    assert_int_equal(gs_mem_read_many(cache, pieces, 3), GS_OK);
    assert_true(pieces[0].ok && !pieces[1].ok && pieces[2].ok);
    assert_memory_equal(copy + 8, bytes + 0x1ffc, 8);
    gs_mem_free(cache);
    gs_mem_free(below);
}

/* Pages that share a slot push each other out and are never taken for one another. */
UNIT_TEST(test_cache_collisions)
{
    enum { PAGES = 1000 };
    struct gs_mem *below = mem_fake_new(), *cache = gs_mem_cache_new(below);
    mem_fake_map(below, 0, PAGES * PAGE);
    for (uint64_t i = 0; i < PAGES; i++)
        mem_fake_put64(below, i * PAGE, i);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t page = i * 7919 % PAGES;
        gs_addr word;
        assert_int_equal(gs_mem_read_addr(cache, page * PAGE, &word), GS_OK);
        assert_int_equal(word, page);
    }
    gs_mem_free(cache);
    gs_mem_free(below);
}

/* Many pieces cost one reading of their pages. */
UNIT_TEST(test_cache_reads_ahead)
{
    enum { PAGES = 200, FEW = 40, HOLE = 17 };
    struct gs_mem *fake = mem_fake_new(), *below = mem_script_new(fake), *cache = gs_mem_cache_new(below);
    struct gs_piece pieces[PAGES];
    uint64_t words[PAGES];
    for (uint64_t i = 0; i < PAGES; i++) {
        gs_addr page = 0x10000 + i * PAGE;
        if (i != HOLE)
            mem_fake_map(fake, page, PAGE);
        if (i != HOLE)
            mem_fake_put64(fake, page + 8, i);
        pieces[i] = (struct gs_piece){page + 8, &words[i], 8, false};
    }
    for (size_t count = FEW; count <= PAGES; count += PAGES - FEW) {
        for (int again = 0; again < 2; again++) {
            memset(words, 0xff, sizeof words);
            assert_int_equal(gs_mem_read_many(cache, pieces, count), GS_OK);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(pieces[i].ok, i != HOLE);
                assert_true(i == HOLE || words[i] == i);
            }
            if (count == FEW)
                assert_int_equal(mem_script_calls(below), 1);
        }
    }
    gs_mem_free(cache);
    gs_mem_free(below);
}

static void change(void *context, size_t call, size_t index, const struct gs_piece *piece)
{
    assert_true(piece || index == 2);
    mem_fake_put64(context, 0x10000, call * 10 + index);
}

UNIT_TEST(test_script)
{
    struct gs_mem *below = mem_fake_new(), *mem = mem_script_new(below);
    uint64_t words[2];
    struct gs_piece pieces[] = {{0x10000, &words[0], 8, false}, {0x10000, &words[1], 8, false}};
    mem_fake_map(below, 0x10000, 8);
    mem_script_set(mem, change, below);
    for (uint64_t call = 0; call < 2; call++) {
        assert_int_equal(gs_mem_read_many(mem, pieces, 2), GS_OK);
        assert_int_equal(words[0], call * 10);
        assert_int_equal(words[1], call * 10 + 1);
    }
    assert_int_equal(mem_script_calls(mem), 2);
    gs_mem_free(mem);
}
