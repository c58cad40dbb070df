/* A program that embeds Python, and does what its arguments say, one after the other:
 *
 *   load FILE        loads a libpython (where it is not linked: -DLINKED)
 *   init, fini       starts the interpreter, ends it
 *   run CODE         runs Python
 *   release          lets the GIL go for good
 *   thread CODE      starts a thread that comes into Python by PyGILState_Ensure, runs CODE, and leaves
 *   interpreter GIL CODE   a thread that runs CODE in an interpreter of its own, which has its `own` GIL or `shared`
 *   stranger         starts a thread that has nothing to do with Python
 *   aside            the rest is done by another thread, while this one waits
 *   say WORD         writes "WORD" as JSON
 *   wait             until a line can be read from standard input
 *   again N          begins again, N arguments back */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config {
    int use_main_obmalloc, allow_fork, allow_exec, allow_threads, allow_daemon_threads, check_extensions, gil;
};

struct status {
    int type;
    const char *function, *message;
    int code;
};

/* What is used of libpython. */
static struct {
    void (*init)(int);
    void (*finalize)(void);
    int (*run)(const char *, void *);
    int (*ensure)(void);
    void (*leave)(int);
    void *(*save)(void);
    void *(*new_interpreter)(void);
} python;

#ifdef LINKED
void Py_InitializeEx(int);
void Py_Finalize(void);
int PyRun_SimpleStringFlags(const char *, void *);
int PyGILState_Ensure(void);
void PyGILState_Release(int);
void *PyEval_SaveThread(void);
void *Py_NewInterpreter(void);

static void load(void)
{
    python.init = Py_InitializeEx;
    python.finalize = Py_Finalize;
    python.run = PyRun_SimpleStringFlags;
    python.ensure = PyGILState_Ensure;
    python.leave = PyGILState_Release;
    python.save = PyEval_SaveThread;
    python.new_interpreter = Py_NewInterpreter;
}
#else
static void load(const char *file)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(8);
    }
    python.init = dlsym(library, "Py_InitializeEx");
    python.finalize = dlsym(library, "Py_Finalize");
    python.run = dlsym(library, "PyRun_SimpleStringFlags");
    python.ensure = dlsym(library, "PyGILState_Ensure");
    python.leave = dlsym(library, "PyGILState_Release");
    python.save = dlsym(library, "PyEval_SaveThread");
    python.new_interpreter = dlsym(library, "Py_NewInterpreter");
}
#endif

/* Up to 3.6 there is no GIL before this was called. */
static void init(void)
{
    void (*init_threads)(void) = dlsym(RTLD_DEFAULT, "PyEval_InitThreads");
    python.init(0);
    if (init_threads)
        init_threads();
}

static void run(const char *code)
{
    if (python.run(code, NULL))
        exit(4);
}

static void *come_in(void *code)
{
    int state = python.ensure();
    run(code);
    python.leave(state);
    return NULL;
}

/* The GIL of an interpreter can be its own from 3.12 on. */
static void *make_interpreter(void *arguments)
{
    char **words = arguments;
    void *state;
    python.ensure();
    if (strcmp(words[0], "own") == 0) {
        struct config config = {.allow_threads = 1, .check_extensions = 1, .gil = 2};
        struct status (*make)(void **, const struct config *) = dlsym(RTLD_DEFAULT, "Py_NewInterpreterFromConfig");
        if (!make || make(&state, &config).type)
            exit(5);
    } else if (!python.new_interpreter()) {
        exit(6);
    }
    run(words[1]);
    pause();
    return NULL;
}

static void *be_strange(void *nothing)
{
    pause();
    return nothing;
}

static void start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument))
        exit(7);
}

static void listen(void)
{
    char letter;
    while (read(0, &letter, 1) == 1 && letter != '\n')
        ;
}

static void *obey(void *arguments)
{
    for (char **word = arguments; *word; word++) {
        if (strcmp(*word, "init") == 0) {
            init();
        } else if (strcmp(*word, "fini") == 0) {
            python.finalize();
        } else if (strcmp(*word, "run") == 0) {
            run(*++word);
        } else if (strcmp(*word, "release") == 0) {
            python.save();
        } else if (strcmp(*word, "thread") == 0) {
            start(come_in, *++word);
        } else if (strcmp(*word, "interpreter") == 0) {
            start(make_interpreter, word + 1);
            word += 2;
        } else if (strcmp(*word, "stranger") == 0) {
            start(be_strange, NULL);
        } else if (strcmp(*word, "aside") == 0) {
            start(obey, word + 1);
            pause();
        } else if (strcmp(*word, "say") == 0) {
            printf("\"%s\"\n", *++word);
            fflush(stdout);
        } else if (strcmp(*word, "wait") == 0) {
            listen();
        } else if (strcmp(*word, "again") == 0) {
            int count = atoi(word[1]);
            word -= count + 1;
#ifndef LINKED
        } else if (strcmp(*word, "load") == 0) {
            load(*++word);
#endif
        } else {
            exit(2);
        }
    }
    pause();
    return NULL;
}

int main(int count, char **words)
{
    (void)count;
#ifdef LINKED
    load();
#endif
    obey(words + 1);
}
