/* See sum_file.h. A digest is sequential, but its next block can be read
 * meanwhile: by a worker that has nothing else to do, else in between. */
#include "sum_file.h"

#include "sum_read.h"

#include <stdlib.h>

struct digesting {
    sum_hand *hand;
    sum_item *item;
    sum_source source;
    char *to; /* where the next block goes */
    int64_t size;
};

/* Both buffers, when the hand works for the first time. */
static bool equip(sum_hand *hand)
{
    for (int i = 0; i < 2; i++)
        if (!hand->buffer[i])
            hand->buffer[i] = aligned_alloc(4096, SUM_BLOCK);
    return hand->buffer[0] && hand->buffer[1];
}

static unsigned how(const sum_flow *f, const sum_item *item)
{
    return (item->named ? SUM_NAMED : 0U) | (item->slow ? SUM_SLOW : 0U) |
           (f->follow ? SUM_FOLLOW : 0U);
}

static int open_once(struct digesting *d)
{
    sum_flow *f = d->hand->flow;
    sum_mark mark;
    bool slow = d->item->slow;
    (slow ? sum_flow_away : sum_flow_may_wait)(f, &mark);
    int rc = sum_source_open(&d->source, d->item->path, how(f, d->item));
    (slow ? sum_flow_back : sum_flow_did_wait)(f, &mark);
    if (rc == 0)
        sum_flow_sources(f, 1);
    return rc;
}

/* Without a descriptor left it waits for those that others of us have. */
static int open_source(struct digesting *d)
{
    sum_flow *f = d->hand->flow;
    for (;;) {
        int rc = open_once(d);
        bool none = rc == MR_EMFILE || rc == MR_ENFILE;
        if (!none || sum_flow_sources(f, 0) == 0)
            return rc;
        sum_mark mark;
        sum_stats_pause(f->stats, &mark);
        mr_sleep(MR_MS);
        sum_stats_resume(f->stats, &mark);
    }
}

static int64_t read_block(struct digesting *d)
{
    sum_flow *f = d->hand->flow;
    sum_mark mark;
    bool slow = d->source.slow;
    (slow ? sum_flow_away : sum_flow_may_wait)(f, &mark);
    int64_t n = sum_source_read(&d->source, d->to, SUM_BLOCK);
    (slow ? sum_flow_back : sum_flow_did_wait)(f, &mark);
    return n;
}

static int64_t read_ahead(void *arg)
{
    struct digesting *d = arg;
    sum_stats_begin(d->hand->flow->stats);
    int64_t n = read_block(d);
    sum_stats_end(d->hand->flow->stats);
    return n;
}

/* `n` bytes in `data` were read: digest them while the next are read, where
 * there may be more. How many those are, or a negative code. */
static int64_t step(struct digesting *d, const char *data, int64_t n)
{
    sum_flow *f = d->hand->flow;
    mr_task next;
    bool more = n == SUM_BLOCK, parallel = more && !d->source.slow;
    if (parallel)
        mr_spawn(&next, read_ahead, d);
    int rc = sum_digester_add(&d->hand->digester, data, (size_t)n);
    d->size += n;
    if (!sum_flow_progress(f, n) && rc == 0)
        rc = MR_ECANCELED;
    int64_t got = 0;
    if (parallel) {
        /* It counts for itself, wherever it runs. */
        sum_stats_end(f->stats);
        got = mr_await(&next);
        sum_stats_begin(f->stats);
    } else if (more && rc == 0) {
        got = read_block(d);
    }
    return rc < 0 ? rc : got;
}

static int digest(struct digesting *d)
{
    sum_hand *hand = d->hand;
    int rc = sum_digester_begin(&hand->digester, d->item->algorithm);
    if (rc < 0)
        return rc;
    int current = 0;
    d->to = hand->buffer[0];
    int64_t n = read_block(d);
    while (n > 0) {
        const char *data = hand->buffer[current];
        current = !current;
        d->to = hand->buffer[current];
        n = step(d, data, n);
    }
    if (n < 0)
        return (int)n;
    /* A second look at each small one would cost as much as reading it. */
    if (d->size > SUM_BLOCK || d->size != d->source.before.size)
        d->item->changed = sum_source_changed(&d->source);
    return sum_digester_end(&hand->digester, d->item->digest);
}

void sum_file_digest(sum_hand *hand, sum_item *item)
{
    struct digesting d = {.hand = hand, .item = item};
    int rc = equip(hand) ? open_source(&d) : MR_ENOMEM;
    if (rc == 0) {
        rc = digest(&d);
        sum_source_close(&d.source);
        sum_flow_sources(hand->flow, -1);
    }
    item->size = d.size;
    item->error = rc;
    if (rc < 0)
        item->kind =
            rc == MR_ENOTSUP && !item->named ? SUM_SKIPPED : SUM_FAILED;
}
