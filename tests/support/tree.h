/* A call tree that takes a stream of samples, and can be asked for a stack. */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include "profile/calltree.h"

struct tree {
    struct gs_sink sink;
    struct gs_calltree *tree;
    struct gs_selection selection;
};

void tree_open(struct tree *tree, const struct gs_selection *selection, uint32_t most);
void tree_close(struct tree *tree);
/* Milliseconds of a stack itself, named as folded has it: "a (f.py:1);b (f.py:2)"; -1: there is no such stack. */
int64_t tree_self_ms(const struct tree *tree, const char *stack);

#endif
