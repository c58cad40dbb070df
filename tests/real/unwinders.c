/* Stops a thread of a process in many places and follows its C stack thrice: with our engine, libunwind and elfutils.
 *
 *   unwinders PID COUNT    a line of JSON for each stop: {"tid", "ours": {"end", "frames"}, "libunwind", "elfutils"};
 *                          frames are [address, name, inferred], innermost first. */
#include <dirent.h>
#include <elfutils/libdwfl.h>
#include <jansson.h>
#include <libunwind-ptrace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native/native.h"

enum { FRAMES_MAX = 2000, THREADS_MAX = 4096 };

struct all {
    struct gs_target *target;
    struct gs_native *native;
    unw_addr_space_t space;
    Dwfl *dwfl;
};

static json_t *frame(uint64_t pc, const char *name, bool inferred)
{
    char addr[24];
    snprintf(addr, sizeof addr, "%#llx", (unsigned long long)pc);
    return json_pack("[ssb]", addr, name, inferred);
}

static json_t *by_us(const struct all *all, const struct user_regs_struct *user)
{
    static const char *const ends[] = {
        [GS_NATIVE_WHOLE] = "whole",       [GS_NATIVE_NOT_YET] = "not yet", [GS_NATIVE_UNKNOWN] = "unknown",
        [GS_NATIVE_REGISTER] = "register", [GS_NATIVE_DAMAGED] = "damaged", [GS_NATIVE_CUT] = "cut"};
    struct gs_native_copy copy = {0};
    struct gs_native_stack stack = {0};
    json_t *frames = json_array();
    for (size_t bytes = GS_NATIVE_COPY_BYTES; bytes <= GS_NATIVE_COPY_SLEEPER;) {
        gs_arch_registers_read(&copy.registers, user);
        stack.end = GS_NATIVE_DAMAGED;
        if (!gs_native_copy_reserve(&copy, bytes) || !gs_native_copy_take(all->native, &copy, bytes))
            break;
        gs_native_unwind(all->native, &copy, &stack);
        if (!gs_native_copy_more(&copy, &stack, 8, &bytes))
            break;
    }
    for (size_t i = 0; i < stack.count; i++) {
        const struct gs_native_name *name = gs_native_name(all->native, stack.frames[i].pc);
        json_array_append_new(frames, frame(stack.frames[i].pc, name->function, stack.frames[i].inferred));
    }
    json_t *answer =
        json_pack("{ssso}", "end", stack.end <= GS_NATIVE_CUT ? ends[stack.end] : "moved", "frames", frames);
    gs_native_copy_fini(&copy);
    free(stack.frames);
    return answer;
}

static json_t *by_libunwind(const struct all *all, pid_t tid)
{
    json_t *frames = json_array();
    unw_cursor_t cursor;
    void *context = _UPT_create(tid);
    if (context && unw_init_remote(&cursor, all->space, context) == 0) {
        for (size_t i = 0; i < FRAMES_MAX; i++) {
            unw_word_t pc, offset;
            char name[512] = "";
            unw_get_reg(&cursor, UNW_REG_IP, &pc);
            if (pc == 0)
                break;
            unw_get_proc_name(&cursor, name, sizeof name, &offset);
            bool called = i > 0 && unw_is_signal_frame(&cursor) <= 0;
            json_array_append_new(frames, frame(called ? pc - 1 : pc, name, false));
            if (unw_step(&cursor) <= 0)
                break;
        }
    }
    _UPT_destroy(context);
    return frames;
}

static int one_frame(Dwfl_Frame *state, void *to)
{
    Dwarf_Addr pc;
    bool interrupted;
    if (!dwfl_frame_pc(state, &pc, &interrupted) || json_array_size(to) >= FRAMES_MAX)
        return DWARF_CB_ABORT;
    pc -= interrupted ? 0 : 1;
    Dwfl_Module *module = dwfl_addrmodule(dwfl_thread_dwfl(dwfl_frame_thread(state)), pc);
    const char *name = module ? dwfl_module_addrname(module, pc) : NULL;
    json_array_append_new(to, frame(pc, name ? name : "", false));
    return DWARF_CB_OK;
}

static json_t *by_elfutils(const struct all *all, pid_t tid)
{
    json_t *frames = json_array();
    dwfl_getthread_frames(all->dwfl, tid, one_frame, frames);
    return frames;
}

/* One thread of the process by chance. */
static pid_t any_thread(pid_t pid)
{
    static pid_t tids[THREADS_MAX];
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) && count < THREADS_MAX;) {
        if (entry->d_name[0] != '.')
            tids[count++] = atoi(entry->d_name);
    }
    if (folder)
        closedir(folder);
    return count ? tids[(size_t)random() % count] : 0;
}

static bool stop(pid_t tid)
{
    int status;
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
        return false;
    if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0 || waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
        return false;
    if (status >> 16 != PTRACE_EVENT_STOP) { /* a signal came first: it is handed on */
        ptrace(PTRACE_CONT, tid, NULL, (void *)(long)WSTOPSIG(status));
        return waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status);
    }
    return true;
}

static bool look(const struct all *all, pid_t tid)
{
    struct user_regs_struct user;
    bool seen = ptrace(PTRACE_GETREGS, tid, NULL, &user) == 0;
    if (seen) {
        unw_flush_cache(all->space, 0, 0);
        json_t *line = json_pack("{sisososo}", "tid", (int)tid, "ours", by_us(all, &user), "libunwind",
                                 by_libunwind(all, tid), "elfutils", by_elfutils(all, tid));
        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
    }
    ptrace(PTRACE_DETACH, tid, NULL, NULL);
    return seen;
}

static Dwfl *open_dwfl(pid_t pid)
{
    static char *debug_path;
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
                                             .find_debuginfo = dwfl_standard_find_debuginfo,
                                             .debuginfo_path = &debug_path};
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (!dwfl || dwfl_linux_proc_report(dwfl, pid) != 0 || dwfl_report_end(dwfl, NULL, NULL) != 0 ||
        dwfl_linux_proc_attach(dwfl, pid, true) != 0)
        return NULL;
    return dwfl;
}

int main(int argc, char **argv)
{
    struct gs_err err;
    struct gs_native_options options = {0};
    struct all all = {0};
    if (argc != 3)
        return 2;
    pid_t pid = atoi(argv[1]);
    setenv("DEBUGINFOD_URLS", "", 1);
    if (gs_target_open(&all.target, pid, NULL, &err) != GS_OK ||
        gs_native_new(&all.native, all.target, &options) != GS_OK)
        return 1;
    all.space = unw_create_addr_space(&_UPT_accessors, 0);
    all.dwfl = open_dwfl(pid);
    if (!all.space || !all.dwfl)
        return 1;
    srandom((unsigned)pid);
    for (int left = atoi(argv[2]); left > 0 && kill(pid, 0) == 0;) {
        pid_t tid = any_thread(pid);
        nanosleep(&(struct timespec){.tv_nsec = 1000 + random() % 5000000}, NULL);
        gs_native_refresh(all.native);
        if (stop(tid) && look(&all, tid))
            left--;
    }
    dwfl_end(all.dwfl);
    unw_destroy_addr_space(all.space);
    gs_native_free(all.native);
    gs_target_close(all.target);
    return 0;
}
