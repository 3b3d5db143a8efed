/* mr_loop_call: a user's function on the loop thread. */
#include "base/assert.h"
#include "io/attempt.h"
#include "io/loop.h"

#include <millrace/error.h>
#include <millrace/loop.h>

struct mr_loop_reply {
    mri_loop_op op;
    mri_loop *loop; /* from run on */
    mr_loop_fn fn, cancel;
    void *arg;
};

static mr_loop_reply *reply_of(mri_loop_op *op)
{
    return mri_container_of(op, mr_loop_reply, op);
}

static void run(mri_loop *loop, mri_loop_op *op)
{
    mr_loop_reply *reply = reply_of(op);
    reply->loop = loop;
    reply->fn(&loop->uv, reply, reply->arg);
}

static void cut(mri_loop *loop, mri_loop_op *op)
{
    mr_loop_reply *reply = reply_of(op);
    reply->cancel(&loop->uv, reply, reply->arg);
}

int64_t mr_loop_call(mr_loop_fn fn, mr_loop_fn cancel, void *arg)
{
    static const char what[] = "mr_loop_call";
    mri_strand *s;
    mr_loop_reply reply = {
        .op = {.run = run}, .fn = fn, .cancel = cancel, .arg = arg};
    int rc = mri_caller(&s);
    if (rc < 0)
        return rc;
    if (!fn)
        return MR_EINVAL;
    return cancel ? mri_loop_do_cut(s, &reply.op, cut, what)
                  : mri_loop_do(s, &reply.op, what);
}

void mr_loop_answer(mr_loop_reply *reply, int64_t result)
{
    mri_require(mri_loop_is_here(reply->loop),
                "an answer is given on the loop thread");
    mri_loop_done(reply->loop, &reply->op, result);
}
