/* Handles: numbers by which programs name what they have opened.
 *
 *   mr_handle   63 62 ............ 32 31 ....... 0
 *              | 0 |   generation    |   index    |
 *
 * An index is a place in the runtime's table, which grows, and whose memory
 * stays until the runtime stops; a generation is added with each use of the
 * place. So a handle that was closed is known for one, whoever uses the place
 * now, and may be looked up at any time (2^31 uses later it would be taken for
 * the other). Each runtime's first generation is another, so that of another
 * runtime is most likely known for what it is too.
 *
 *   life   63 62 ............ 32   31    30 ....... 0
 *         | 0 |   generation    | CLOSED | users      |
 *   users   who has opened it, until it is closed; and each call in progress.
 *           0: the place is free
 *
 *   open    free -> users 1, not closed
 *   get     not closed, the handle's generation: users + 1
 *   close   not closed -> CLOSED; then its waiters are told, then put
 *   put     users - 1; the last one, when it is closed: removes the descriptor
 *           from the poller, closes it, and frees the place
 *
 * So no call is made with a number that the system has given to another
 * descriptor meanwhile: who calls counts as a user, and the descriptor is
 * closed by the last one. An event of a batch that was fetched before may come
 * when the place is another's already: then its generation is wrong, or, where
 * the place changed hands between that look and the word, a readiness is set
 * that is none, and costs a call that finds nothing; a HUP that is none costs
 * as much now and then.
 *
 * Lingering. What has to be done before a descriptor is closed, `end` does,
 * under the lock; where it cannot be done yet (a child that runs), the place
 * stays with its generation, CLOSED and without users, which no `get` takes,
 * and each event of the descriptor tries again. Whoever is told that it is done
 * takes CLOSED away, under the lock, so that nobody else is; and closes it.
 *
 * What it waits for is an event of reading, and none is lost:
 *
 *     the last user                       who tells the event
 *       life: users 0                       ready[MRI_DIR_READ]: set
 *       ready[MRI_DIR_READ]: set            life: does it linger? then `end`
 *       `end`
 *
 * Both set the word by a read-modify-write that releases and acquires, so one
 * of the two is first and the other sees what came before it. If the user's,
 * the teller finds that it lingers. If the teller's, `end` is asked after the
 * event was told, and what an edge tells of has happened before it is told. The
 * kernel promises no more than that: not that its answer is in order with a
 * word of ours that was written before it was asked.
 *
 * Must not know: what is read and written.
 */
#ifndef MRI_IO_HANDLE_H
#define MRI_IO_HANDLE_H

#include "parts/lock.h"
#include "parts/ready_word.h"
#include "sched/strand.h"
#include <millrace/io.h>

/* What it is, a bit each; calls name those that they take. */
enum mri_desc_kind {
    MRI_DESC_STREAM = 1,   /* reads and writes bytes: socket, pipe, terminal */
    MRI_DESC_LISTENER = 2, /* accepts */
    MRI_DESC_DATAGRAM = 4,
    MRI_DESC_FILE = 8, /* at offsets; never waited for */
    MRI_DESC_OTHER = 16,
    MRI_DESC_PROCESS = 32,
    MRI_DESC_SIGNAL = 64,
};

/* How it behaves, a bit each. */
enum mri_desc_trait {
    /* A read of less than was asked for has left nothing (TCP). */
    MRI_DESC_SHORT_IS_ALL = 1,
    MRI_DESC_SOCKET = 2,
    /* A call blocks where there is nothing: poll before. */
    MRI_DESC_MAY_BLOCK = 4,
    /* A file that lies in memory: a call never waits for a disk. */
    MRI_DESC_IN_MEMORY = 8,
};

enum mri_dir { MRI_DIR_READ, MRI_DIR_WRITE };

typedef struct mri_desc mri_desc;

/* By the last user, who tries it, or an event, or the stop: may it be closed?
 * Nobody else does so at the same time. */
typedef bool (*mri_desc_end)(mri_desc *d);

struct mri_desc {
    MRI_ALIGNED(MRI_CACHE_LINE) mri_atomic_u64 life;
    mri_ready_word ready[2]; /* by mri_dir */
    /* Constant while it is in use. */
    int fd;
    uint32_t kind, traits;
    uint32_t index;     /* constant */
    uint32_t next;      /* free: the next that is, + 1; under the lock */
    mri_desc_end end;   /* constant while it is in use; NULL: always */
    mri_atomic_u64 own; /* what the kind has to remember */
};

/* Models shrink it. */
#ifndef MRI_DESC_FIRST
#define MRI_DESC_FIRST 64
#endif

enum { MRI_DESC_FIRST_CHUNK = MRI_DESC_FIRST, MRI_DESC_CHUNKS = 25 };

/* Chunk i has MRI_DESC_FIRST_CHUNK << i places. */
typedef struct mri_handle_table {
    mri_lock lock;
    uint32_t free;   /* under the lock: the first, + 1; 0: none */
    uint32_t made;   /* under the lock: places that have ever been */
    uint32_t chunks; /* under the lock */
    uint32_t first_generation;
    mri_atomic(mri_desc *) chunk[MRI_DESC_CHUNKS];
} mri_handle_table;

/* ---- The runtime's: io.c ------------------------------------------------ */

void mri_handles_open(mri_handle_table *t);
/* Nobody uses it any more: what is still open is closed. */
void mri_handles_close(mr_runtime *rt, mri_handle_table *t);

/* One event of a batch that will be told soon. */
void mri_handles_expect(mri_handle_table *t, uint64_t data);

/* One event of a batch: whoever waited for it and can go on now. */
void mri_handles_tell(mr_runtime *rt, mri_handle_table *t, uint64_t data,
                      uint32_t events, mri_run_list *ready);

/* ---- For calls, on strand s --------------------------------------------- */

/* A handle for fd, which belongs to it from now on; waited for, unless it is a
 * MRI_DESC_FILE: then it must not block. A negative code: fd was closed. In a
 * child of fork(): MR_EPERM. */
MRI_CHECKED mr_handle mri_desc_open(mri_strand *s, int fd, uint32_t kind,
                                    uint32_t traits);

/* The same for what needs to be ended before it is closed; not where this
 * fails. */
MRI_CHECKED mr_handle mri_desc_open_with(mri_strand *s, int fd, uint32_t kind,
                                         mri_desc_end end, uint64_t own);

/* *out, as a user. MR_EBADF: closed, or not ours. MR_EINVAL: none of `kinds`.
 * MR_EPERM: s is NULL, or in a child of fork(). */
MRI_CHECKED int mri_desc_get(mri_strand *s, mr_handle h, uint32_t kinds,
                             mri_desc **out);
void mri_desc_put(mri_strand *s, mri_desc *d);

/* Who waits is told; the descriptor is closed by the last user, the caller if
 * there is no other. 0, or as mri_desc_get. */
MRI_CHECKED int mri_desc_close(mri_strand *s, mr_handle h);

/* User. Before a call that does not block: may it get somewhere? False: not
 * before mri_desc_wait. */
MRI_INLINE bool mri_desc_try(mri_desc *d, enum mri_dir dir)
{
    return mri_ready_take(&d->ready[dir]);
}

/* User. After a call that may have left something: all others than those that
 * said MR_EAGAIN, or are known to have left nothing. */
void mri_desc_again(mri_strand *s, mri_desc *d, enum mri_dir dir);

/* User. Wait until a call may get somewhere (0), or MR_EBADF: it was closed
 * meanwhile. MR_EBUSY: another task waits for the same. MR_ETIMEDOUT,
 * MR_ECANCELED. The strand may be on another worker afterwards. */
MRI_CHECKED int mri_desc_wait(mri_strand *s, mri_desc *d, enum mri_dir dir,
                              int64_t deadline);

#endif
