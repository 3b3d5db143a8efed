/* The kernel's wait for descriptors: one epoll per runtime, edge-triggered, in
 * which each descriptor of ours is once, for its whole life; and an eventfd
 * there by which the wait is ended. Who waits: sched/poll.h.
 *
 * The eventfd is never read: each write is an edge, and the counter's 64 bits
 * do not come to an end.
 *
 * Must not know: what an event is for.
 */
#ifndef MRI_IO_POLLER_H
#define MRI_IO_POLLER_H

#include "base/compiler.h"

#include <stdint.h>

typedef struct mri_poller {
    int epoll, kick;
} mri_poller;

typedef struct mri_poller_event {
    uint32_t events; /* EPOLL* */
    uint64_t data;
} mri_poller_event;

enum { MRI_POLLER_BATCH = 64 };

/* 0 or a negative code. */
MRI_CHECKED int mri_poller_open(mri_poller *p);
void mri_poller_close(mri_poller *p);

/* From now on events of `fd` come, for reading and writing, with this data,
 * which is not UINT64_MAX. 0 or a negative code. */
MRI_CHECKED int mri_poller_add(mri_poller *p, int fd, uint64_t data);
void mri_poller_remove(mri_poller *p, int fd);

/* One thread at a time: up to MRI_POLLER_BATCH events; how many; 0: none until
 * the deadline, or kicked. */
int mri_poller_wait(mri_poller *p, int64_t deadline, mri_poller_event *out);

/* Anybody: the wait ends, or the next one does at once. */
void mri_poller_kick(mri_poller *p);

#endif
