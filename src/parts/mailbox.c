/* See mailbox.h for the protocol. */
#include "parts/mailbox.h"

void mri_mailbox_open(mri_mailbox *m)
{
    mri_inbox_open(&m->inbox);
    mri_init(&m->rung, 0);
    m->lists = 0;
}

int mri_mailbox_put(mri_mailbox *m, mri_run_node *node)
{
    int rc = mri_inbox_push(&m->inbox, node);
    /* Pairs with the release in the take that left it empty: the ring sees that
     * the bell's flag was cleared before. */
    if (rc == 1)
        mri_fence_acquire();
    return rc;
}

void mri_mailbox_rung(mri_mailbox *m)
{
    /* LAST TOUCH of the mailbox: it may be gone after this line. Release: so
     * may the bell; pairs with is_over. */
    mri_add_release(&m->rung, 1);
}

mri_run_node *mri_mailbox_take(mri_mailbox *m)
{
    mri_run_node *list = mri_inbox_take(&m->inbox);
    m->lists += list != NULL;
    return list;
}

void mri_mailbox_close(mri_mailbox *m)
{
    mri_inbox_close(&m->inbox);
}

bool mri_mailbox_is_over(const mri_mailbox *m)
{
    /* Acquire: pairs with rung. */
    return mri_load_acquire(&m->rung) == m->lists;
}
