/* Merging by counting: up to 3.10 each Python frame is run by an evaluator of its own on the C stack, later all that
 * were called without leaving it by one (Python/ceval.c). The outermost ones are those that are sure: of the innermost
 * evaluator the frame may not be linked yet, or no more. */
#include <string.h>

#include "base/room.h"
#include "sample/mixed.h"

/* Functions that do nothing but pass a call on to Python code: shown, they would stand between any two Python frames.
 * From Objects/call.c, Python/ceval.c, Objects/funcobject.c, Objects/classobject.c of 2.7 to 3.15. */
static const char *const machinery[] = {
    "_PyEval_Vector",
    "_PyEval_EvalFrame",
    "_PyEval_EvalCode",
    "_PyEval_EvalCodeWithName",
    "PyEval_EvalCodeEx",
    "PyEval_EvalFrame",
    "PyEval_EvalFrameEx",
    "_PyFunction_Vectorcall",
    "_PyFunction_FastCall",
    "_PyFunction_FastCallDict",
    "_PyFunction_FastCallKeywords",
    "function_code_fastcall",
    "function_call",
    "fast_function",
    "call_function",
    "do_call_core",
    "ext_do_call",
    "do_call",
    "trace_call_function",
    "method_vectorcall",
    "method_call",
    "instancemethod_call",
    "_PyObject_Call",
    "_PyObject_CallDict",
    "_PyObject_Call_Prepend",
    "_PyObject_FastCall",
    "_PyObject_FastCallDict",
    "_PyObject_FastCallDictTstate",
    "_PyObject_FastCallKeywords",
    "_PyObject_MakeTpCall",
    "_PyObject_Vectorcall",
    "_PyObject_VectorcallTstate",
    "_PyVectorcall_Call",
    "PyObject_Call",
    "PyObject_CallObject",
    "PyObject_Vectorcall",
    "PyVectorcall_Call",
    "PyEval_CallObjectWithKeywords",
};

enum { MACHINERY = sizeof machinery / sizeof *machinery };

/* What compilers append to the pieces and copies that they make of a function. */
static bool is_called(const char *function, const char *name)
{
    size_t len = strlen(name);
    return strncmp(function, name, len) == 0 && (function[len] == '\0' || function[len] == '.');
}

enum gs_mixed_role gs_mixed_role(const char *function, const char *evaluator)
{
    /* A build whose instructions are functions that jump to each other (3.14 on) has them above the evaluator. */
    static const char tail_calls[] = "_TAIL_CALL_";
    if (is_called(function, evaluator))
        return GS_MIXED_EVALUATOR;
    if (strncmp(function, tail_calls, sizeof tail_calls - 1) == 0)
        return GS_MIXED_HIDDEN;
    for (size_t i = 0; i < MACHINERY; i++) {
        if (is_called(function, machinery[i]))
            return GS_MIXED_HIDDEN;
    }
    return GS_MIXED_SHOWN;
}

static bool push(struct gs_mixed *mixed, struct gs_frame frame)
{
    if (!gs_room((void **)&mixed->frames, &mixed->room, mixed->count + 1, sizeof *mixed->frames))
        return false;
    mixed->frames[mixed->count++] = frame;
    return true;
}

static bool push_gap(struct gs_mixed *mixed, unsigned gap)
{
    return push(mixed, (struct gs_frame){.kind = GS_FRAME_GAP, .gap = (uint8_t)gap});
}

static bool push_native(struct gs_mixed *mixed, const struct gs_native_frame *frame)
{
    return push(
        mixed,
        (struct gs_frame){
            .frame = frame->cfa, .code = frame->pc, .instr = -1, .kind = GS_FRAME_NATIVE, .inferred = frame->inferred});
}

/* The Python frames [from, count): from `from` to the one that C called, or to the end. */
static size_t group_end(const struct gs_frame *python, size_t from, size_t count)
{
    while (from < count && !python[from].entry)
        from++;
    return from < count ? from + 1 : count;
}

static size_t count_groups(const struct gs_frame *python, size_t count)
{
    size_t groups = 0;
    for (size_t at = 0; at < count; groups++)
        at = group_end(python, at, count);
    return groups;
}

static size_t count_evaluators(const struct gs_native_stack *native, const uint8_t *roles)
{
    size_t evaluators = 0;
    for (size_t i = 0; i < native->count; i++)
        evaluators += roles[i] == GS_MIXED_EVALUATOR;
    return evaluators;
}

static bool push_all(struct gs_mixed *mixed, const struct gs_frame *python, size_t count)
{
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++)
        ok = push(mixed, python[i]);
    return ok;
}

/* C frames above the first evaluator, which are above the innermost Python frame whatever there is below. */
static bool push_leaf(struct gs_mixed *mixed, const struct gs_native_stack *native, const uint8_t *roles)
{
    bool ok = true;
    for (size_t i = 0; i < native->count && roles[i] != GS_MIXED_EVALUATOR && ok; i++) {
        if (roles[i] == GS_MIXED_SHOWN)
            ok = push_native(mixed, &native->frames[i]);
    }
    return ok;
}

/* Each evaluator stands for the next group; `ahead` of them, the innermost, for none. */
static bool push_merged(struct gs_mixed *mixed, const struct gs_frame *python, size_t count,
                        const struct gs_native_stack *native, const uint8_t *roles, size_t ahead)
{
    size_t at = 0;
    bool ok = true;
    for (size_t i = 0; i < native->count && ok; i++) {
        if (roles[i] == GS_MIXED_SHOWN) {
            ok = push_native(mixed, &native->frames[i]);
        } else if (roles[i] == GS_MIXED_EVALUATOR && ahead > 0) {
            ahead--;
        } else if (roles[i] == GS_MIXED_EVALUATOR) {
            size_t end = group_end(python, at, count);
            ok = push_all(mixed, python + at, end - at);
            at = end;
        }
    }
    if (ok && native->end != GS_NATIVE_WHOLE)
        ok = push_gap(mixed, GS_GAP_NATIVE + native->end);
    return ok && push_all(mixed, python + at, count - at);
}

bool gs_mixed_add(struct gs_mixed *mixed, const struct gs_frame *python, size_t count, bool torn,
                  const struct gs_native_stack *native, const uint8_t *roles, bool leaf)
{
    size_t groups = count_groups(python, count), evaluators = count_evaluators(native, roles);
    bool whole = native->end == GS_NATIVE_WHOLE;
    if (leaf && count > 0) {
        bool ok = push_leaf(mixed, native, roles);
        if (ok && evaluators == 0 && !whole)
            ok = push_gap(mixed, GS_GAP_NATIVE + native->end);
        return ok && push_all(mixed, python, count);
    }
    if (!torn && evaluators == groups)
        return push_merged(mixed, python, count, native, roles, 0);
    if (!torn && whole && evaluators == groups + 1)
        return push_merged(mixed, python, count, native, roles, 1);
    /* A stack that breaks off is sure from its innermost end, unless that is where a frame may not be linked. */
    if (!torn && !whole && evaluators < groups && (native->count == 0 || roles[0] != GS_MIXED_EVALUATOR))
        return push_merged(mixed, python, count, native, roles, 0);
    return push_leaf(mixed, native, roles) && push_gap(mixed, whole ? GS_GAP_UNMERGED : GS_GAP_NATIVE + native->end) &&
           push_all(mixed, python, count);
}
