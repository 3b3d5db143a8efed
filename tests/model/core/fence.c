/* Fences, the symmetric and the asymmetric ones.
 *
 *  - seq_cst fences join one common knowledge and add to it, in the order in
 *    which they execute. That is coherence only, not happens-before.
 *  - Asymmetric fences (C++ P1202): a heavy barrier takes over what each other
 *    thread knew at its last light fence; a light fence takes over what heavy
 *    barriers have left.
 * Acquire and release fences only move knowledge within their thread, so they
 * are no steps; the others are.
 */
#include "core/core.h"

static void acquire_pending(struct thread *t)
{
    knowledge_join_all(&t->now, &t->pending, memory_locations());
}

/* Join the common knowledge, and add to it: its coherence half. */
static void meet(struct thread *t, struct knowledge *common)
{
    for (unsigned i = 1; i < memory_locations(); i++) {
        if (common->seen[i] > t->now.seen[i])
            t->now.seen[i] = common->seen[i];
        common->seen[i] = t->now.seen[i];
    }
}

static void fence_seq_cst(struct thread *t)
{
    acquire_pending(t);
    meet(t, &engine.total);
    t->released = memory_snapshot(t);
}

void mrm_fence(struct mrm_site *site)
{
    ENTER();
    struct thread *t = me();
    site->executions++;
    spin_left();
    if (site->order == MRM_SEQ_CST) {
        engine_point((struct step){.kind = STEP_FENCE});
        fence_seq_cst(t);
    } else {
        if (site->order == MRM_ACQUIRE || site->order == MRM_ACQ_REL)
            acquire_pending(t);
        if (site->order == MRM_RELEASE || site->order == MRM_ACQ_REL)
            t->released = memory_snapshot(t);
    }
    if (tracing)
        trace("fence  %s", order_name(site->order));
}

static void light(struct thread *t)
{
    for (unsigned i = 1; i < memory_locations(); i++)
        if (engine.heavy.seen[i] > t->now.seen[i])
            t->now.seen[i] = engine.heavy.seen[i];
    t->light = view_of(&t->now, memory_locations());
}

static void heavy(struct thread *t)
{
    for (unsigned i = 0; i < engine.threads; i++) {
        const struct view *v = engine.thread[i].light;
        for (unsigned l = 1; v && l < v->locations; l++)
            if (v->seen[l] > t->now.seen[l])
                t->now.seen[l] = v->seen[l];
    }
    meet(t, &engine.heavy);
    fence_seq_cst(t);
}

/* Where membarrier is denied both sides are seq_cst fences. Weakened by a
 * mutation: a light fence is gone, a heavy one is an ordinary seq_cst one. */
void mrm_barrier(struct mrm_site *site, bool membarrier)
{
    ENTER();
    struct thread *t = me();
    bool is_light = site->op == MRM_LIGHT_OP;
    site->executions++;
    if (is_light && site->order == MRM_NONE)
        return;
    bool fence = !membarrier || (!is_light && site->order != MRM_SEQ_CST);
    engine_point((struct step){.kind = fence      ? STEP_FENCE
                                       : is_light ? STEP_LIGHT
                                                  : STEP_HEAVY});
    if (fence)
        fence_seq_cst(t);
    else if (is_light)
        light(t);
    else
        heavy(t);
    if (tracing)
        trace("%s%s", is_light ? "light barrier" : "heavy barrier",
              fence ? " (as a fence)" : "");
}
