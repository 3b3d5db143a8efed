/* An event count on a futex, written to be checked: waiting for any condition
 * on data that has no lock.
 *
 *     for (;;) {
 *         if (condition()) break;
 *         uint32_t key = event_count_prepare(&e);
 *         if (condition()) { event_count_cancel(&e); break; }
 *         event_count_commit(&e, key);
 *     }
 *
 * Whoever makes the condition true calls notify afterwards; it costs a fence
 * and a load while nobody waits. (Vyukov's eventcount, with the fence in
 * notify that oneTBB#2136 shows to be needed.) Not part of the library.
 */
#ifndef TEXTBOOK_EVENT_COUNT_H
#define TEXTBOOK_EVENT_COUNT_H

#include "base/atomic.h"

struct event_count {
    mri_atomic_u32 epoch;   /* the futex word: one more per notification */
    mri_atomic_u32 waiters; /* between prepare and the end of the wait */
};

void event_count_open(struct event_count *e);
uint32_t event_count_prepare(struct event_count *e);
void event_count_cancel(struct event_count *e);
void event_count_commit(struct event_count *e, uint32_t key);
void event_count_notify(struct event_count *e, int count);

#endif
