/* See token.h for the protocol. */
#include "parts/token.h"

#include "base/assert.h"

enum { NOWHERE, QUEUED };

void mri_token_open(mri_token *token)
{
    mri_init(&token->queued, NOWHERE);
}

bool mri_token_offer(mri_run_queue *q, mri_token *token)
{
    /* Release: the children come first, pairs with the acquire in taken.
     * Acquire: pairs with the release in taken, the node is free again. */
    if (mri_swap_acq_rel(&token->queued, QUEUED) == QUEUED)
        return false;
    mri_run_queue_push(q, &token->node);
    return true;
}

void mri_token_taken(mri_token *token)
{
    /* Acquire: pairs with the release in offer, the children are seen.
     * Release: pairs with the acquire in offer, the node was read before. */
    uint32_t was = mri_swap_acq_rel(&token->queued, NOWHERE);
    mri_assert(was == QUEUED, "a token is taken once per pop");
}

void mri_token_check(mri_token *token)
{
    mri_require(mri_load_relaxed(&token->queued) <= QUEUED,
                "a token is queued or is not");
}
