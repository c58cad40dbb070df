/* Filling call trees, and finding stacks in them. */
#include <string.h>

#include "export/label.h"
#include "support/tree.h"
#include "support/unit.h"

static enum gs_status add_process(struct gs_sink *sink, uint32_t number, const struct gs_sampled_process *process)
{
    return gs_calltree_add_process(((struct tree *)sink)->tree, number, process);
}

static enum gs_status add_thread(struct gs_sink *sink, uint32_t number, const struct gs_sampled_thread *thread)
{
    return gs_calltree_add_thread(((struct tree *)sink)->tree, number, thread);
}

static enum gs_status add_sample(struct gs_sink *sink, const struct gs_sample *sample)
{
    return gs_calltree_add(((struct tree *)sink)->tree, sample);
}

static enum gs_status forget(struct gs_sink *sink)
{
    gs_calltree_forget(((struct tree *)sink)->tree);
    return GS_OK;
}

static enum gs_status end(struct gs_sink *sink, const struct gs_run_end *run)
{
    (void)run;
    return gs_calltree_finish(((struct tree *)sink)->tree);
}

void tree_open(struct tree *tree, const struct gs_selection *selection, uint32_t most)
{
    tree->selection = *selection;
    tree->sink = (struct gs_sink){NULL, add_process, add_thread, add_sample, forget, end};
    tree->tree = gs_calltree_new(&tree->selection, &(struct gs_calltree_options){.most = most});
    assert_non_null(tree->tree);
}

void tree_close(struct tree *tree)
{
    gs_calltree_free(tree->tree);
}

int64_t tree_self_ms(const struct tree *tree, const char *stack)
{
    uint32_t node = gs_calltree_top(tree->tree);
    while (*stack) {
        struct gs_label label = {0};
        uint32_t count, i = 0;
        const uint32_t *children = gs_calltree_children(tree->tree, node, &count);
        size_t len = strcspn(stack, ";");
        for (; i < count; i++) {
            gs_label_cut(&label, 0);
            gs_label_node(&label, tree->tree, children[i], NULL, 0);
            if (label.len == len && strncmp(label.bytes, stack, len) == 0)
                break;
        }
        gs_label_fini(&label);
        if (i == count)
            return -1;
        node = children[i];
        stack += len + (stack[len] == ';');
    }
    return (int64_t)(gs_calltree_self_ns(tree->tree, node) / 1000000);
}
