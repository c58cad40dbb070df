/* Keeping the books. */
#include "sample/books.h"

bool gs_books_balance(struct gs_books *books, uint64_t rest_ns, size_t threads)
{
    /* Of a thread that has just been looked at for the first time, or had run when it was looked at again, all its time
     * is found: then the rest that was known was too much. It grows when a thread ends or is no longer looked at. */
    bool told = rest_ns != GS_BOOKS_UNKNOWN, balanced = told && books->known && rest_ns == books->rest_ns;
    books->missing_ns = told && books->known && rest_ns > books->rest_ns ? rest_ns - books->rest_ns : GS_BOOKS_UNKNOWN;
    books->left = balanced ? 0 : threads;
    if (told && (!books->known || rest_ns < books->rest_ns))
        books->rest_ns = rest_ns;
    books->known = told;
    books->balanced = balanced;
    return balanced;
}

void gs_books_look(struct gs_books *books, uint64_t more_ns)
{
    if (books->left == 0)
        return;
    books->left--;
    if (books->missing_ns == GS_BOOKS_UNKNOWN)
        return;
    if (more_ns == books->missing_ns) {
        books->left = 0; /* all others slept */
        books->balanced = true;
        return;
    }
    if (more_ns > books->missing_ns) {
        books->missing_ns = GS_BOOKS_UNKNOWN; /* it ran on since: what of that is missing? */
        return;
    }
    books->missing_ns -= more_ns;
    if (books->left == 0)
        books->known = false; /* it was somebody whom nobody looks at: the rest is another one from now on */
}

void gs_books_restart(struct gs_books *books, size_t threads)
{
    books->known = books->balanced = false;
    books->missing_ns = GS_BOOKS_UNKNOWN;
    books->left = threads;
}
