/* Which C function tells what a thread does. */
#include <string.h>

#include "gilspy/native.h"
#include "support/unit.h"

/* Functions from the innermost on, "name@module" with blanks between, and the one that is told. */
static void play(const char *functions, const char *wanted, bool tells)
{
    struct gs_native_telling telling = {.count = 0};
    char text[512], told[128] = "";
    assert_true(strlen(functions) < sizeof text);
    strcpy(text, functions);
    for (char *rest = text, *word; (word = strtok_r(rest, " ", &rest));) {
        char whole[128], *at = strrchr(word, '@');
        strcpy(whole, word);
        *at = '\0';
        size_t number = telling.count;
        gs_native_tell(&telling, word, at + 1);
        if (telling.told == number)
            strcpy(told, whole);
    }
    assert_string_equal(told, wanted);
    assert_int_equal(telling.tells, tells);
}

/* Likewise, and which was called; "": none. */
static void play_call(const char *functions, const char *wanted)
{
    struct gs_native_telling telling = {.count = 0};
    char text[512], called[128] = "";
    strcpy(text, functions);
    for (char *rest = text, *word; (word = strtok_r(rest, " ", &rest));) {
        char *at = strrchr(word, '@');
        size_t number = telling.count;
        *at = '\0';
        gs_native_tell(&telling, word, at + 1);
        if (telling.calls && telling.called == number)
            strcpy(called, word);
    }
    assert_string_equal(called, wanted);
}

UNIT_TEST(what_python_called)
{
    play_call("compare@libpython3.so builtin_sorted@libpython3.so cfunction_vectorcall_FASTCALL@libpython3.so",
              "builtin_sorted");
    play_call("list_sort@python3.8 _PyCFunction_FastCall@python3.8 method_vectorcall_NOARGS@python3.8", "list_sort");
    play_call("PyLong_New@python3.8 scan@_json.so scanner_call@_json.so _PyObject_Call@python3.8", "scanner_call");
    play_call("less@lib.so sort_impl@python3.8 sorted@python3.8", "less");
    play_call("merge@python3.8 list_sort@python3.8 python3.8+0x120@python3.8", "list_sort");
    play_call("memcpy@libc.so.6 bytes_join@python3.8 plt@lib.so", "bytes_join");
    play_call("malloc@libc.so.6 _PyEval_EvalFrameDefault@python3.8", "");
}

UNIT_TEST(the_first_that_says_something)
{
    play("sre_ucs1_match@_sre.so pattern_match@_sre.so", "sre_ucs1_match@_sre.so", true);
    play("__memmove_avx_unaligned_erms@libc.so.6 copy_rows@app.so run@app.so", "copy_rows@app.so", true);
    play("__futex_abstimed_wait_common@libc.so.6 sem_wait@libc.so.6 acquire@lib.so", "acquire@lib.so", true);
    play("libc.so.6+0x8f1@libc.so.6 deflate@libz.so.1", "deflate@libz.so.1", true);
    play("_int_malloc@libc.so.6 malloc@libc.so.6", "malloc@libc.so.6", false);
    play("deflate@plt@app.so pack@app.so", "pack@app.so", true);
    play("plt@app.so pack@app.so", "pack@app.so", true);
}

/* A stub of the linker may have no name, unlike the functions of its file. */
UNIT_TEST(functions_without_a_name)
{
    play("a.so+0x10@a.so work@a.so", "work@a.so", true);
    play("__memset_sse2@libc.so.6 a.so+0x10@a.so a.so+0x90@a.so", "a.so+0x10@a.so", true);
    play("a.so+0x10@a.so work@b.so", "a.so+0x10@a.so", true);
    play("a.so+0x10@a.so malloc@libc.so.6 work@a.so", "a.so+0x10@a.so", true);
    play("a.so+0x10@a.so", "a.so+0x10@a.so", true);
    play("[unknown]+0x7f10@[unknown] work@a.so", "[unknown]+0x7f10@[unknown]", true);
}
