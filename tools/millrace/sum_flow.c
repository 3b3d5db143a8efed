/* See sum_flow.h. */
#include "sum_flow.h"

#include "sum_file.h"

#include <stdlib.h>
#include <string.h>

enum {
    EXTRA = 3, /* hands beside each worker's own, where they wait for disks */
    CALM = 64  /* files without such a wait, until there is one less */
};

/* ---- What waits to be digested: under the lock ----------------------------
 */

static bool heap_room(sum_flow *f)
{
    if (f->large_count < f->large_room)
        return true;
    size_t wanted = f->large_room ? f->large_room * 2 : 64;
    sum_item **grown = realloc(f->large, wanted * sizeof(sum_item *));
    if (!grown)
        return false;
    f->large = grown;
    f->large_room = wanted;
    return true;
}

static void heap_add(sum_flow *f, sum_item *item)
{
    size_t at = f->large_count++;
    for (size_t up; at > 0 && f->large[up = (at - 1) / 2]->size < item->size;
         at = up)
        f->large[at] = f->large[up];
    f->large[at] = item;
}

static sum_item *heap_take(sum_flow *f)
{
    sum_item *top = f->large[0], *last = f->large[--f->large_count];
    size_t at = 0;
    for (;;) {
        size_t down = 2 * at + 1;
        if (down + 1 < f->large_count &&
            f->large[down]->size < f->large[down + 1]->size)
            down++;
        if (down >= f->large_count || f->large[down]->size <= last->size)
            break;
        f->large[at] = f->large[down];
        at = down;
    }
    f->large[at] = last;
    return top;
}

/* Without memory for the heap, a large one is as good as a small one. */
static void waiting_add(sum_flow *f, sum_item *item)
{
    if (item->size >= SUM_LARGE && heap_room(f)) {
        heap_add(f, item);
        return;
    }
    item->after = NULL;
    *(f->small ? &f->small_to->after : &f->small) = item;
    f->small_to = item;
}

static sum_item *waiting_take(sum_flow *f)
{
    sum_item *item = f->small;
    if (f->large_count > 0)
        return heap_take(f);
    if (item)
        f->small = item->after;
    return item;
}

static bool something_waits(const sum_flow *f)
{
    return f->small || f->large_count > 0;
}

static bool may_produce(const sum_flow *f)
{
    return !f->counts.all_known && !f->producing && f->bytes < SUM_WINDOW;
}

/* ---- Hands ----------------------------------------------------------------
 */

static int64_t work(void *arg);

/* Under the lock: one more hand, where a worker has nothing to do and there is
 * something. It will itself see to the next one. Where it cannot be started,
 * those that there are do it all. */
static void call_in(sum_flow *f)
{
    sum_hand *hand = f->idle;
    if (!hand || f->running >= f->most + f->extra || f->stopped ||
        !(something_waits(f) || may_produce(f)))
        return;
    if (mr_scope_go(&f->scope, work, hand, 0) < 0)
        return;
    f->idle = hand->next;
    f->running++;
}

/* Under the lock, which is free meanwhile. */
static void finish_ready(sum_flow *f)
{
    if (f->finishing)
        return;
    f->finishing = true;
    while (f->first && f->first->done && !f->stopped) {
        sum_item *item = f->first;
        f->first = item->next;
        f->bytes -= item->bytes;
        pthread_mutex_unlock(&f->lock);
        f->ends->finish(f->ends->context, f, item);
        pthread_mutex_lock(&f->lock);
    }
    f->finishing = false;
}

static void produce(sum_flow *f)
{
    f->producing = true;
    pthread_mutex_unlock(&f->lock);
    bool more = f->ends->produce(f->ends->context, f);
    pthread_mutex_lock(&f->lock);
    f->producing = false;
    f->counts.all_known = !more;
}

static void digest(sum_flow *f, sum_hand *hand, sum_item *item)
{
    int64_t expected = item->size;
    pthread_mutex_unlock(&f->lock);
    sum_file_digest(hand, item);
    pthread_mutex_lock(&f->lock);
    f->counts.files_done++;
    f->counts.bytes += item->size - expected;
    item->done = true;
    if (f->extra > 0 && ++f->calm == CALM) {
        f->extra--;
        f->calm = 0;
    }
}

/* While there is something to do, and no more hands than workers (there are,
 * when one has come back that had waited). The last one to leave has seen that
 * nothing waits, that nobody produces, and has finished what was ready: what
 * another does makes that one look again. */
static int64_t work(void *arg)
{
    sum_hand *hand = arg;
    sum_flow *f = hand->flow;
    mr_task_name("sum");
    sum_stats_begin(f->stats);
    pthread_mutex_lock(&f->lock);
    while (!f->stopped && f->running <= f->most + f->extra) {
        sum_item *item;
        call_in(f);
        if (may_produce(f))
            produce(f);
        else if ((item = waiting_take(f)))
            digest(f, hand, item);
        else
            break;
        finish_ready(f);
    }
    f->running--;
    hand->next = f->idle;
    f->idle = hand;
    pthread_mutex_unlock(&f->lock);
    sum_stats_end(f->stats);
    return 0;
}

void sum_flow_away(sum_flow *f, sum_mark *mark)
{
    pthread_mutex_lock(&f->lock);
    f->running--;
    call_in(f);
    pthread_mutex_unlock(&f->lock);
    sum_stats_pause(f->stats, mark);
}

void sum_flow_back(sum_flow *f, const sum_mark *mark)
{
    sum_stats_resume(f->stats, mark);
    pthread_mutex_lock(&f->lock);
    f->running++;
    pthread_mutex_unlock(&f->lock);
}

void sum_flow_may_wait(sum_flow *f, sum_mark *mark)
{
    sum_stats_pause(f->stats, mark);
}

void sum_flow_did_wait(sum_flow *f, const sum_mark *mark)
{
    if (!sum_stats_resume(f->stats, mark))
        return;
    pthread_mutex_lock(&f->lock);
    f->calm = 0;
    if (f->extra < f->most * EXTRA)
        f->extra++;
    call_in(f);
    pthread_mutex_unlock(&f->lock);
}

bool sum_flow_progress(sum_flow *f, int64_t bytes)
{
    pthread_mutex_lock(&f->lock);
    f->counts.bytes_done += bytes;
    bool on = !f->stopped;
    pthread_mutex_unlock(&f->lock);
    return on;
}

unsigned sum_flow_sources(sum_flow *f, int change)
{
    pthread_mutex_lock(&f->lock);
    f->sources += (unsigned)change;
    unsigned others = f->sources;
    pthread_mutex_unlock(&f->lock);
    return others;
}

/* ---- The whole ------------------------------------------------------------
 */

void sum_flow_put(sum_flow *f, sum_item *item)
{
    item->next = NULL;
    pthread_mutex_lock(&f->lock);
    *(f->first ? &f->last->next : &f->first) = item;
    f->last = item;
    f->bytes += item->bytes;
    if (item->kind == SUM_FILE) {
        f->counts.files++;
        f->counts.bytes += item->size;
        waiting_add(f, item);
        call_in(f);
    } else {
        item->done = true;
    }
    pthread_mutex_unlock(&f->lock);
}

void sum_flow_stop(sum_flow *f)
{
    pthread_mutex_lock(&f->lock);
    f->stopped = true;
    pthread_mutex_unlock(&f->lock);
}

struct sum_counts sum_flow_counts(sum_flow *f)
{
    pthread_mutex_lock(&f->lock);
    struct sum_counts counts = f->counts;
    pthread_mutex_unlock(&f->lock);
    return counts;
}

/* Those that are away keep theirs, so there are some more. */
int sum_flow_open(sum_flow *f, const struct sum_ends *ends, sum_stats *stats,
                  unsigned workers, bool follow)
{
    *f = (sum_flow){.ends = ends,
                    .stats = stats,
                    .follow = follow,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .most = workers,
                    .hand_count = (1 + EXTRA) * workers + 2};
    f->hands = calloc(f->hand_count, sizeof *f->hands);
    if (!f->hands)
        return MR_ENOMEM;
    for (unsigned i = 0; i < f->hand_count; i++) {
        sum_hand *hand = &f->hands[i];
        *hand = (sum_hand){.flow = f, .next = f->idle};
        f->idle = hand;
    }
    return 0;
}

int64_t sum_flow_run(sum_flow *f)
{
    mr_scope_open(&f->scope, MR_NEVER);
    pthread_mutex_lock(&f->lock);
    call_in(f);
    bool begun = f->running > 0;
    pthread_mutex_unlock(&f->lock);
    int64_t rc = mr_scope_close(&f->scope);
    return begun ? rc : MR_ENOMEM;
}

void sum_flow_close(sum_flow *f)
{
    while (f->first) {
        sum_item *item = f->first;
        f->first = item->next;
        if (item->kind == SUM_LIST_END)
            free(item->list);
        free(item);
    }
    for (unsigned i = 0; i < f->hand_count; i++) {
        sum_digester_close(&f->hands[i].digester);
        free(f->hands[i].buffer[0]);
        free(f->hands[i].buffer[1]);
    }
    free(f->hands);
    free(f->large);
}
